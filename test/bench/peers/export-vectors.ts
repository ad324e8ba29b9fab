/**
 * `node test/bench/peers/export-vectors.ts --dataset DIR --out FOLDER [--max-tokens N]`: a data set as vectors of the default
 * recipe in NumPy files, the form in which other late-interaction engines can be run on the same input. `zip -0 -j X.npz
 * FOLDER/*.npy` makes them one file.
 *
 * @module
 */
import { mkdir, open, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { readDataset } from "../../../encoder/eval/datasets.ts";
import { EncodedCorpus } from "../../../encoder/eval/encoded-corpus.ts";
import { DEFAULT_RECIPE, loadModel } from "../../../encoder/models/registry.ts";
import { npyHeader } from "./npy.ts";

const { values: options } = parseArgs({
  options: {
    dataset: { type: "string" },
    out: { type: "string" },
    cache: { type: "string", default: "build/eval" },
    "max-tokens": { type: "string" },
  },
});
if (options.dataset === undefined || options.out === undefined) throw new Error("--dataset and --out are needed");
await mkdir(options.out, { recursive: true });
const dataset = await readDataset(options.dataset);
const model = await loadModel(DEFAULT_RECIPE, {});
const { dim } = model.recipe;
const corpus = await EncodedCorpus.open({
  corpus: dataset.corpus,
  model,
  cacheFolder: options.cache,
  maxTokens: options["max-tokens"] === undefined ? undefined : Number(options["max-tokens"]),
  onPages: (done) => void (done % 100 === 0 && console.error(`${done} pages encoded`)),
});

/** Pages without vectors are left out: the peers do not take them. */
const pageCounts = corpus.documents.flatMap(({ pages }) => pages.map((page) => page.vectorCount)).filter((n) => n > 0);
const file = await open(path.join(options.out, "docs.npy"), "w");
await file.write(npyHeader("<f4", [corpus.vectorCount, dim]));
for await (const { vectors } of corpus.pages()) await file.write(bytesOf(vectors));
await file.close();
await writeArray("doc_lens", "<i8", BigInt64Array.from(pageCounts, BigInt), [pageCounts.length]);

const queries: Float32Array[] = [];
for (const { text } of dataset.queries) queries.push((await model.encodeQuery(text)).vectors);
const lengths = queries.map((vectors) => vectors.length / dim);
const tokens = lengths.reduce((sum, length) => sum + length, 0);
const flat = new Float32Array(tokens * dim);
let filled = 0;
for (const vectors of queries) {
  flat.set(vectors, filled);
  filled += vectors.length;
}
await writeArray("queries", "<f4", flat, [tokens, dim]);
await writeArray("query_lens", "<i8", BigInt64Array.from(lengths, BigInt), [lengths.length]);
console.log(`${pageCounts.length} pages, ${corpus.vectorCount} vectors, ${queries.length} queries of ${tokens} tokens`);
await corpus.close();
await model.dispose();

async function writeArray(name: string, type: string, values: ArrayBufferView, shape: number[]): Promise<void> {
  await writeFile(
    path.join(options.out ?? "", `${name}.npy`),
    Buffer.concat([npyHeader(type, shape), bytesOf(values)]),
  );
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
