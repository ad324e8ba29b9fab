import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readDataset } from "./datasets.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "maxleaf-test-"));
});
afterEach(async () => await rm(folder, { recursive: true }));

const texts = {
  "corpus.jsonl":
    '{"id": "d1", "title": "Wings", "text": "on slipstreams"}\r\n{"id": "d2", "text": "plain", "extra": 1}\n\n',
  "queries.jsonl": '{"id": "q1", "text": "what flies"}\n{"id": "q2", "text": "nothing"}\n',
  "qrels.tsv": "query-id\tcorpus-id\tscore\nq1\td1\t3\nq1\td2\t-1\nq2\td2\t0\n",
};

async function write(files: Record<string, string>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), content);
  }
}

describe("a set of texts", () => {
  it("is read with titles, grades and without queries that nothing answers", async () => {
    await write(texts);
    expect(await readDataset(folder)).toEqual({
      name: path.basename(folder),
      corpus: {
        kind: "texts",
        texts: [
          { name: "d1", text: "Wings on slipstreams" },
          { name: "d2", text: "plain" },
        ],
      },
      queries: [
        {
          id: "q1",
          text: "what flies",
          judgements: new Map([
            ["d1#1", 3],
            ["d2#1", -1],
          ]),
        },
      ],
      unjudgedQueries: 1,
    });
  });

  it.each([
    ["corpus.jsonl", '{"id": "d1"}\n', "corpus.jsonl:1: text"],
    [
      "corpus.jsonl",
      '{"id": "d1", "text": ""}\n{"id": "d1", "text": ""}\n',
      'corpus.jsonl:2: the id "d1" was used before',
    ],
    ["corpus.jsonl", '{"id": "../d1", "text": ""}\n', 'corpus.jsonl:1: "../d1" is no document name'],
    ["queries.jsonl", '\n{"id": "q1", \n', 'queries.jsonl:2: not JSON: "{\\"id\\": \\"q1\\", "'],
    ["queries.jsonl", '{"id": "q1", "text": 7}\n', "queries.jsonl:1: text"],
    ["qrels.tsv", "q1\td1\n", 'qrels.tsv:1: expected "query⇥document⇥grade" with a whole number, not "q1\\td1"'],
    ["qrels.tsv", "q1\td1\t1\nq1\td2\t1.5\n", "qrels.tsv:2: expected"],
    ["qrels.tsv", "q9\td1\t1\n", 'qrels.tsv:1: there is no query "q9"'],
    ["qrels.tsv", "q1\td9\t1\n", 'qrels.tsv:1: there is no document "d9"'],
    ["qrels.tsv", "q1\td1\t0\n", "no query of the data set has a relevant page"],
  ])("names the place of a mistake in %s: %j", async (name, content, message) => {
    await write({ ...texts, [name]: content });
    await expect(readDataset(folder)).rejects.toMatchObject({
      code: "invalid_request",
      message: expect.stringContaining(message),
    });
  });

  it("says which file is missing", async () => {
    await write({ "corpus.jsonl": texts["corpus.jsonl"] });
    await expect(readDataset(folder)).rejects.toThrow(/queries\.jsonl cannot be read/);
  });
});

describe("a set as BEIR has it", () => {
  const beir = {
    "corpus.jsonl":
      '{"_id": "d1", "title": "", "text": "first\u2028still first", "metadata": {}}\n{"_id": "d2", "title": "Two", "text": "b"}\n',
    "queries.jsonl": '{"_id": "q1", "text": "one", "metadata": {"url": ""}}\n{"_id": "q2", "text": "two"}\n',
    "qrels/test.tsv": "query-id\tcorpus-id\tscore\nq1\td1\t1\n",
    "qrels/dev.tsv": "query-id\tcorpus-id\tscore\nq2\td1\t0\nq2\td2\t2\n",
  };

  it("is read by _id, with the judgements of the test split", async () => {
    await write(beir);
    expect(await readDataset(folder)).toMatchObject({
      corpus: {
        texts: [
          { name: "d1", text: "first\u2028still first" },
          { name: "d2", text: "Two b" },
        ],
      },
      queries: [{ id: "q1", text: "one", judgements: new Map([["d1#1", 1]]) }],
      unjudgedQueries: 1,
    });
  });

  it("takes another split when asked, and names those there are", async () => {
    await write(beir);
    expect((await readDataset(folder, "dev")).queries).toMatchObject([
      {
        id: "q2",
        judgements: new Map([
          ["d1#1", 0],
          ["d2#1", 2],
        ]),
      },
    ]);
    await expect(readDataset(folder, "train")).rejects.toThrow(/has no split "train"; it has dev, test/);
    await write(texts);
    await rm(path.join(folder, "qrels"), { recursive: true });
    await expect(readDataset(folder, "train")).rejects.toThrow(/has no folder qrels/);
  });
});

describe("a set of PDFs", () => {
  const question =
    '{"id": "f1", "question": "How much?", "answer": "3", "pdf": "a.pdf", "pages": [2, 5], "evidence": []}\n';

  it("has every gold page as relevant, and every file as a document", async () => {
    await write({ "questions.jsonl": question, "pdf/b.pdf": "", "pdf/a.pdf": "", "pdf/.hidden": "" });
    const dataset = await readDataset(folder);
    expect(dataset.queries).toEqual([
      {
        id: "f1",
        text: "How much?",
        judgements: new Map([
          ["a.pdf#2", 1],
          ["a.pdf#5", 1],
        ]),
      },
    ]);
    expect(dataset.corpus).toEqual({
      kind: "pdfs",
      files: ["a.pdf", "b.pdf"].map((name) => ({ name, path: path.join(folder, "pdf", name) })),
    });
  });

  it("names a question about a file that is not there, and one without pages", async () => {
    await write({ "questions.jsonl": question });
    await expect(readDataset(folder)).rejects.toThrow(/questions\.jsonl:1: there is no file "a\.pdf"/);
    await write({ "questions.jsonl": question.replace("[2, 5]", "[]"), "pdf/a.pdf": "" });
    await expect(readDataset(folder)).rejects.toThrow(/questions\.jsonl:1: pages/);
  });
});

describe("a folder that is neither", () => {
  it("is refused with what it should have", async () => {
    await expect(readDataset(folder)).rejects.toThrow(/has neither corpus\.jsonl .* nor questions\.jsonl/);
  });
});
