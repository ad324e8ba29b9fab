import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import type { Dataset } from "./datasets.ts";
import { parseMeasure } from "./measures.ts";
import { formatJudgements, formatRun, pageKeyOf, readRun, runIdOf } from "./run-file.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "maxleaf-test-"));
});
afterAll(async () => await rm(folder, { recursive: true }));

const texts = { kind: "texts", texts: [] } as const;
const pdfs = { kind: "pdfs", files: [] } as const;

function setOf(corpus: Dataset["corpus"], judgements: Record<string, Record<string, number>>): Dataset {
  const queries = Object.entries(judgements).map(([id, grades]) => ({
    id,
    text: id,
    judgements: new Map(Object.entries(grades).map(([document, grade]) => [pageKeyOf(corpus, document), grade])),
  }));
  return { name: "set", corpus, queries, unjudgedQueries: 0 };
}

async function write(name: string, text: string): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, text);
  return file;
}

describe("a run that trec_eval evaluated", () => {
  const fixture = new URL("../../test/eval/trec-eval/figures.json", import.meta.url);
  const grades = z.record(z.string(), z.record(z.string(), z.number()));
  const schema = z.object({ judgements: grades, run: grades, figures: grades });

  it("has its figures here, to 1e-6, query by query", async () => {
    const { judgements, run, figures } = schema.parse(JSON.parse(await readFile(fixture, "utf8")));
    const lines = Object.entries(run).flatMap(([query, found]) =>
      Object.entries(found).map(([document, score]) => `${query} Q0 ${document} 1 ${score} random\n`),
    );
    const dataset = setOf(texts, judgements);
    const { tag, rankings } = await readRun(await write("random.run", lines.join("")), dataset);
    expect(tag).toBe("random");
    let compared = 0;
    for (const { id, judgements: ofQuery } of dataset.queries) {
      for (const [name, expected] of Object.entries(figures[id] ?? {})) {
        expect(parseMeasure(name).of(rankings.get(id) ?? [], ofQuery), `${name} of ${id}`).toBeCloseTo(expected, 6);
        compared++;
      }
    }
    expect(compared).toBe(21 * 9);
  });
});

describe("formatRun", () => {
  it("is read back in the same order, whatever the scores are", async () => {
    const score = fc.oneof(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0, 1, 1 + 1e-12, -1));
    await fc.assert(
      fc.asyncProperty(fc.array(score, { minLength: 1, maxLength: 20 }), async (scores) => {
        const sorted = scores.toSorted((a, b) => b - a);
        const dataset = setOf(pdfs, { "q 1": { "a.pdf#1": 1 } });
        // Names in an order that trec_eval would not choose between equal scores.
        const ranking = sorted.map((_, at) => `a b.pdf#${at + 1}`);
        const file = await write("x.run", formatRun(dataset, "mine", [{ ranking, scores: sorted }]));
        expect((await readRun(file, dataset)).rankings.get("q 1")).toEqual(ranking);
      }),
      { numRuns: 100, seed: 1 },
    );
  });

  it("writes trec_eval's columns", () => {
    const dataset = setOf(texts, { q1: { d1: 2, d2: 0 } });
    const run = formatRun(dataset, "bm25", [{ ranking: ["d1#1", "d2#1"], scores: [2.5, 1] }]);
    expect(run).toBe("q1 Q0 d1 1 2.5 bm25\nq1 Q0 d2 2 1 bm25\n");
    expect(formatJudgements(dataset)).toBe("q1 0 d1 2\nq1 0 d2 0\n");
  });
});

describe("runIdOf", () => {
  it("has no white space and leads back", () => {
    expect(runIdOf(texts, "doc#1")).toBe("doc");
    expect(runIdOf(pdfs, "annual report.pdf#12")).toBe("annual%20report.pdf#12");
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.constantFrom(texts, pdfs), (name, corpus) => {
        const key = `${name}#1`;
        expect(runIdOf(corpus, key)).not.toMatch(/\s/);
        expect(pageKeyOf(corpus, runIdOf(corpus, key))).toBe(key);
      }),
      { seed: 1 },
    );
  });
});

describe("readRun", () => {
  const dataset = setOf(texts, { q1: { d1: 1 } });

  it.each([
    ["q1 Q0 d1 1 2.5\n", "bad.run:1: expected"],
    ["q1 Q0 d1 1 high tag\n", "bad.run:1: expected"],
    ["q1 Q0 d1 1 2 tag\nq1 Q0 d1 2 1 tag\n", 'bad.run:2: "d1" was listed before'],
    ["other Q0 d1 1 2 tag\n", "has no query of this data set"],
    ["", "has no query of this data set"],
  ])("refuses %j", async (text, message) => {
    const file = await write("bad.run", text);
    await expect(readRun(file, dataset)).rejects.toMatchObject({
      code: "invalid_request",
      message: expect.stringContaining(message),
    });
  });

  it("says which file is missing", async () => {
    await expect(readRun(path.join(folder, "none.run"), dataset)).rejects.toThrow(/none\.run cannot be read/);
  });
});
