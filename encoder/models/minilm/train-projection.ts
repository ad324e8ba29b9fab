/**
 * Makes `weights/projection.bin`, the fixed PCA of `minilm-words`:
 *
 *     node encoder/models/minilm/train-projection.ts --documents 1500 path/to/scifact …
 *
 * Each folder holds a `corpus.jsonl` of `{"id", "title", "text"}` lines and a `queries.jsonl` of `{"id", "text"}` lines
 * (BEIR). The sample of documents is spread evenly over the corpus and all queries are added, because questions are
 * projected too. The same folders give the same bytes on the same
 * kind of machine. Never train on the set that measures.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { MomentAccumulator, type PrincipalComponents } from "./pca.ts";
import { preparePage } from "./prepare.ts";
import { PROJECTED_DIM } from "./projection.ts";
import { loadTokenizer, type WordTokenizer } from "./tokens.ts";
import { HIDDEN_DIM, loadTrunk, SPECIALS_PER_WINDOW, type Trunk, WINDOW_TOKENS } from "./trunk.ts";
import { WEIGHTS_FOLDER, weightsFiles } from "./weights.ts";
import { planWindows } from "./windows.ts";

const lineSchema = z.object({ title: z.string().default(""), text: z.string() });

interface Corpus {
  name: string;
  sha256: string;
  /** The sample. */
  documents: string[];
  queries: string[];
}

async function readCorpus(folder: string, sampleSize: number): Promise<Corpus> {
  const [corpus, queries] = await Promise.all(
    ["corpus.jsonl", "queries.jsonl"].map((name) => readFile(join(folder, name), "utf8")),
  );
  const texts = readTexts(corpus ?? "");
  const step = Math.max(1, texts.length / sampleSize);
  return {
    name: basename(resolve(folder)),
    sha256: createHash("sha256")
      .update(corpus ?? "")
      .digest("hex"),
    documents: texts.filter((_, i) => Math.floor(i / step) > Math.floor((i - 1) / step)),
    queries: readTexts(queries ?? ""),
  };
}

function readTexts(jsonLines: string): string[] {
  return jsonLines
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const { title, text } = lineSchema.parse(JSON.parse(line));
      return `${title} ${text}`;
    });
}

async function addText(text: string, tokenizer: WordTokenizer, trunk: Trunk, moments: MomentAccumulator) {
  const words = text.split(/\s+/).map((word) => ({ text: word, box: [0, 0, 1, 1] as const }));
  const { ids, wordOfToken } = preparePage({ pageNumber: 1, width: 1, height: 1, words }, tokenizer);
  for (const { start, end } of planWindows(wordOfToken, WINDOW_TOKENS - SPECIALS_PER_WINDOW)) {
    const hidden = await trunk.run(ids.slice(start, end));
    // Without [CLS] and [SEP], as the recipe drops them.
    moments.add(hidden.subarray(HIDDEN_DIM, hidden.length - HIDDEN_DIM));
  }
}

function toBytes({ centre, matrix }: PrincipalComponents): Uint8Array {
  const bytes = new Uint8Array((centre.length + matrix.length) * 4);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of [...centre, ...matrix].entries()) view.setFloat32(i * 4, value, true);
  return bytes;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { documents: { type: "string", default: "1500" } },
    allowPositionals: true,
  });
  const sampleSize = z.coerce.number().int().positive().parse(values.documents);
  if (positionals.length === 0) throw new Error("name at least one folder with a corpus.jsonl");

  const corpora = await Promise.all(positionals.map((folder) => readCorpus(folder, sampleSize)));
  const [tokenizer, trunk] = await Promise.all([loadTokenizer(), loadTrunk()]);
  const moments = new MomentAccumulator(HIDDEN_DIM);
  for (const { name, documents, queries } of corpora) {
    const texts = [...documents, ...queries];
    for (const [done, text] of texts.entries()) {
      if (done % 100 === 0) process.stderr.write(`${name}: ${done} of ${texts.length} texts\n`);
      await addText(text, tokenizer, trunk, moments);
    }
  }
  await trunk.dispose();

  const components = moments.principalComponents(PROJECTED_DIM);
  const bytes = toBytes(components);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const record = {
    sha256,
    layout: `little-endian float32: centre [${HIDDEN_DIM}], matrix [${HIDDEN_DIM}, ${PROJECTED_DIM}] row-major`,
    graph: weightsFiles.graph.sha256,
    tokens: moments.count,
    explainedVariance: Number(components.explainedVariance.toFixed(4)),
    corpora: corpora.map(({ name, sha256: corpusSha256, documents, queries }) => ({
      name,
      sha256: corpusSha256,
      documents: documents.length,
      queries: queries.length,
    })),
  };
  await writeFile(new URL("projection.bin", WEIGHTS_FOLDER), bytes);
  await writeFile(new URL("projection.json", WEIGHTS_FOLDER), `${JSON.stringify(record, undefined, 2)}\n`);
  process.stdout.write(
    `put into weights.ts:\n    name: "projection.bin",\n    byteLength: ${bytes.byteLength},\n    sha256: "${sha256}",\n`,
  );
}

await main();
