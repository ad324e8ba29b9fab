import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { finished } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import PdfDocument from "pdfkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileKernel, type KernelModule } from "../../shared/kernel/webassembly.ts";
import { parseMeasure } from "./measures.ts";
import { formatPerQuery } from "./per-query.ts";
import { formatReport } from "./report.ts";
import { runEval } from "./run-eval.ts";

let folder: string;
let kernelModule: KernelModule;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "maxleaf-test-"));
  kernelModule = await compileKernel(await readFile(new URL("../../shared/kernel/build/kernel.wasm", import.meta.url)));
});
afterAll(async () => await rm(folder, { recursive: true }));

const texts = {
  bread: "Knead the dough for ten minutes, let it rise overnight and bake the loaf in a hot oven.",
  engine: "The turbine blades are cooled by air that is bled from the compressor of the jet engine.",
  whales: "Blue whales migrate to polar waters in summer to feed on dense swarms of krill.",
  taxes: "Income tax returns must be filed by the end of April or a late fee will be charged.",
  empty: "",
};
const queries = {
  "how long should bread dough rise": "bread",
  "cooling of gas turbines": "engine",
  "what do whales eat": "whales",
};

async function writeTexts(): Promise<string> {
  const dataset = path.join(folder, "texts");
  await mkdir(dataset, { recursive: true });
  const lines = (rows: object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  const asked = Object.entries(queries);
  await writeFile(path.join(dataset, "corpus.jsonl"), lines(Object.entries(texts).map(([id, text]) => ({ id, text }))));
  await writeFile(path.join(dataset, "queries.jsonl"), lines(asked.map(([text], at) => ({ id: `q${at}`, text }))));
  await writeFile(
    path.join(dataset, "qrels.tsv"),
    asked.map(([, document], at) => `q${at}\t${document}\t1\n`).join(""),
  );
  return dataset;
}

async function writePdfs(): Promise<string> {
  const dataset = path.join(folder, "pdfs");
  await mkdir(path.join(dataset, "pdf"), { recursive: true });
  const pdf = new PdfDocument();
  const file = pdf.pipe(createWriteStream(path.join(dataset, "pdf", "mixed.pdf")));
  pdf.text(texts.bread).addPage().text(texts.whales);
  pdf.end();
  await finished(file);
  await writeFile(path.join(dataset, "pdf", "broken.pdf"), "this is no PDF");
  const question = { id: "1", question: "what do whales eat", answer: "krill", pdf: "mixed.pdf", pages: [2] };
  await writeFile(path.join(dataset, "questions.jsonl"), JSON.stringify(question));
  return dataset;
}

describe("runEval", () => {
  it("measures two recipes, exact MaxSim and BM25 on texts, and encodes them once", async () => {
    const stages = new Set<string>();
    const options = {
      dataset: await writeTexts(),
      recipes: ["minilm-words", "minilm-dense"],
      cacheFolder: path.join(folder, "cache"),
      kernelModule,
      threads: 1,
      onProgress: ({ recipe, stage }: { recipe: string; stage: string }) => stages.add(`${recipe} ${stage}`),
    };
    const { report } = await runEval(options);
    expect(report).toMatchObject({ dataset: "texts", documents: 5, pages: 5, queries: 3, unjudgedQueries: 0 });
    expect(report.bm25["hit@10"]).toBeGreaterThan(0);
    for (const recipe of report.recipes) {
      expect(recipe.searchablePages).toBe(4);
      // Four pages, three of them about something else: anything but the right one first would be a mistake.
      for (const measures of [recipe.engine, recipe.exact]) {
        expect(measures).toMatchObject({ "nDCG@10": 1, "recall@1": 1, MRR: 1, "hit@1": 1 });
      }
      expect(recipe["recall@10 of exact"]).toBe(1);
      expect(recipe.pagesEncodedPerSecond).toBeGreaterThan(0);
      expect(recipe.indexBytesPerPage).toBeGreaterThan(0);
    }
    expect([...stages].filter((stage) => stage.startsWith("minilm-dense"))).toEqual(
      ["encoding", "indexing", "searching", "exact"].map((stage) => `minilm-dense ${stage}`),
    );
    // Indexes are gone, encoded pages stay and are used.
    expect((await readdir(options.cacheFolder)).filter((name) => name.startsWith("index-"))).toEqual([]);
    const { report: again } = await runEval(options);
    expect(again.recipes.map((recipe) => recipe.pagesEncodedPerSecond)).toEqual([undefined, undefined]);
    expect(again.recipes.map((recipe) => recipe.exact)).toEqual(report.recipes.map((recipe) => recipe.exact));
  });

  it("cuts texts to a number of tokens", async () => {
    const dataset = await writeTexts();
    const options = { dataset, cacheFolder: path.join(folder, "cache"), kernelModule, threads: 1, maxTokens: 7 };
    const [recipe] = (await runEval(options)).report.recipes;
    // Five word pieces are left of each of four texts.
    expect(recipe?.vectors).toBe(20);
  });

  it("counts pages of PDFs, and goes on without a file that cannot be read", async () => {
    const dataset = await writePdfs();
    const { report } = await runEval({ dataset, cacheFolder: path.join(folder, "cache"), kernelModule, threads: 1 });
    expect(report).toMatchObject({ documents: 1, pages: 2, queries: 1, failedFiles: [{ name: "broken.pdf" }] });
    expect(report.recipes[0]?.engine["hit@1"]).toBe(1);
    const text = formatReport(report);
    expect(text).toContain("pdfs: 1 documents, 2 pages, 1 queries");
    expect(text).toMatch(/left out: broken\.pdf: .+/);
    expect(text).toMatch(/hit@1 +1\.000 +1\.000 +1\.000/);
  });

  it("measures ViDoRe's layout by language, and gives every system's answers", async () => {
    const dataset = fileURLToPath(new URL("../../test/eval/vidore/v3", import.meta.url));
    const measures = ["nDCG@3", "MAP"];
    const modes = ["lexical", "hybrid"] as const;
    const options = { dataset, measures, modes, cacheFolder: path.join(folder, "cache"), kernelModule, threads: 1 };
    const evaluation = await runEval(options);
    const { report, systems } = evaluation;
    expect(systems.map(({ system }) => system)).toEqual([
      "bm25",
      "minilm-words",
      "minilm-words.lexical",
      "minilm-words.hybrid",
      "minilm-words.exact",
    ]);
    // "what do whales eat" has words of its page, "comment faire du pain" of none, and the model knows no French: its page, the longest,
    // comes second by the length prior.
    expect(report.recipes[0]?.modes).toMatchObject([
      { mode: "lexical", measures: { MAP: 0.5 } },
      { mode: "hybrid", measures: { "nDCG@3": expect.closeTo((1 + 1 / Math.log2(3)) / 2, 6) } },
    ]);
    expect(report.languages).toMatchObject([
      { language: "english", queries: 1, systems: { "minilm-words": { "nDCG@3": 1, MAP: 1 } } },
      { language: "french", queries: 1 },
    ]);
    expect(formatReport(report)).toMatch(/english, 1 queries\n +bm25 +minilm-words .*\nnDCG@3/);
    const lines = formatPerQuery(evaluation, measures.map(parseMeasure)).trim().split("\n");
    expect(lines.map((line): unknown => JSON.parse(line))[2]).toMatchObject({
      system: "minilm-words",
      query: "7",
      language: "english",
      "nDCG@3": 1,
      MAP: 1,
      relevant: ["1"],
      found: [{ document: "1", grade: 2 }, {}, {}],
    });
    expect(lines).toHaveLength(10);
  });

  it("never answers by the document with the query's id, when told so", async () => {
    const dataset = path.join(folder, "texts");
    await writeTexts();
    const asked = { id: "bread", text: texts.bread };
    await writeFile(path.join(dataset, "queries.jsonl"), JSON.stringify(asked));
    await writeFile(path.join(dataset, "qrels.tsv"), "bread\tengine\t1\n");
    const options = { dataset, cacheFolder: path.join(folder, "cache"), kernelModule, threads: 1 };
    for (const [ignoreIdenticalIds, first] of [
      [false, true],
      [true, false],
    ] as const) {
      const { systems } = await runEval({ ...options, ignoreIdenticalIds });
      for (const { system, answers } of systems) {
        expect([system, answers[0]?.ranking.includes("bread#1")]).toEqual([system, first]);
        if (system !== "bm25") expect(answers[0]?.ranking).toHaveLength(first ? 4 : 3);
      }
    }
  });

  it("goes on where a recipe refuses a question, which counts as one without an answer", async () => {
    const dataset = await writeTexts();
    const asked = [
      { id: "unknown", text: "\u{1f40b}" },
      { id: "bread", text: texts.bread },
    ];
    await writeFile(path.join(dataset, "queries.jsonl"), asked.map((query) => JSON.stringify(query)).join("\n"));
    await writeFile(path.join(dataset, "qrels.tsv"), "unknown\twhales\t1\nbread\tbread\t1\n");
    const modes = ["hybrid"] as const;
    const options = { dataset, modes, cacheFolder: path.join(folder, "cache"), kernelModule, threads: 1 };
    const { report } = await runEval(options);
    const [recipe] = report.recipes;
    expect(recipe).toMatchObject({ refusedQueries: 1, engine: { MRR: 0.5 }, exact: { MRR: 0.5 } });
    expect(recipe?.modes).toMatchObject([{ measures: { MRR: 0.5 } }]);
    expect(formatReport(report)).toContain("1 questions refused by the recipe");
  });

  it("answers by words what a recipe refuses to encode", async () => {
    const dataset = await writeTexts();
    await writeFile(path.join(dataset, "queries.jsonl"), JSON.stringify({ id: "long", text: "dough ".repeat(1_000) }));
    await writeFile(path.join(dataset, "qrels.tsv"), "long\tbread\t1\n");
    const modes = ["hybrid", "lexical"] as const;
    const options = { dataset, modes, cacheFolder: path.join(folder, "cache"), kernelModule, threads: 1 };
    const { report } = await runEval(options);
    const [recipe] = report.recipes;
    expect(recipe).toMatchObject({ refusedQueries: 1, engine: { MRR: 0 } });
    expect(recipe?.modes).toMatchObject([
      { mode: "hybrid", measures: { MRR: 0 } },
      { mode: "lexical", measures: { MRR: 1 } },
    ]);
  });

  it("refuses an unknown recipe before anything takes long", async () => {
    const options = { dataset: "nowhere", recipes: ["minilm-words", "nothing"], cacheFolder: folder, kernelModule };
    await expect(runEval(options)).rejects.toMatchObject({ code: "recipe_not_found" });
  });
});
