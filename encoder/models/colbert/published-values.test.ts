/**
 * What others publish of the real models' vectors and scores. It runs for the models that are below `MAXLEAF_MODEL_DIR` (where
 * `maxleaf models pull` puts them), and is skipped for the others: no weights come with the project.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { textPage } from "../text/testing.ts";
import { answeraiColbertSmall } from "./answerai-colbert-small-v1.ts";
import { colbertv2 } from "./colbertv2.ts";
import type { ColbertEntry } from "./entry.ts";
import { gteModernColbert } from "./gte-moderncolbert-v1.ts";
import { jinaColbertV2 } from "./jina-colbert-v2.ts";
import { mxbaiEdgeColbert32m } from "./mxbai-edge-colbert-32m.ts";
import { maxSim } from "../../../shared/kernel/reference.ts";

const TIMEOUT_MS = 120_000;

const isMissing = ({ recipe, card }: ColbertEntry) => {
  const folder = process.env["MAXLEAF_MODEL_DIR"];
  return folder === undefined || !card.files.every((file) => existsSync(join(folder, recipe.name, file)));
};
const load = async (entry: ColbertEntry) => await entry.load({ modelsFolder: process.env["MAXLEAF_MODEL_DIR"] });

const planets = {
  question: "Which planet is known as the Red Planet?",
  pages: [
    "Venus is often called Earth's twin because of its similar size and proximity.",
    "Mars, known for its reddish appearance, is often referred to as the Red Planet.",
    "Jupiter, the largest planet in our solar system, has a prominent red spot.",
    "Saturn, famous for its rings, is sometimes mistaken for the Red Planet.",
  ],
};
const capitals = {
  question: "What is the capital of France?",
  pages: ["Paris is the capital of France.", "Berlin is the capital of Germany."],
};

// PyLate's scores, from sentence-transformers (tests/multi_vector_encoder/test_pretrained.py at cad21198; by a thousandth and 0.001 there), and the
// example of its docs/multi_vector_encoder/usage/efficiency.rst.
describe.for([
  { entry: colbertv2, ...planets, scores: [12.797, 27.1945, 23.8495, 24.5656] },
  { entry: answeraiColbertSmall, ...planets, scores: [30.5692, 31.4895, 31.3029, 31.3072] },
  { entry: gteModernColbert, ...planets, scores: [11.2577, 11.5113, 11.3458, 11.4518] },
  { entry: mxbaiEdgeColbert32m, ...capitals, scores: [10.6578, 10.4499] },
])("$entry.recipe.name", ({ entry, question, pages, scores }) => {
  it.skipIf(isMissing(entry))("scores pages as PyLate does", { timeout: TIMEOUT_MS }, async () => {
    const model = await load(entry);
    const query = await model.encodeQuery(question);
    const encoded = await model.encodePages(pages.map((text) => textPage(text)));
    for (const [p, score] of scores.entries()) {
      const ours = maxSim(query.vectors, encoded[p]?.vectors ?? new Float32Array(), query.dim);
      expect(Math.abs(ours - score)).toBeLessThan(0.001 + 0.001 * score);
    }
    await model.dispose();
  });
});

// First five numbers of every vector of the document "Hello World", from fastembed (tests/test_late_interaction_embeddings.py at
// c48247f1; to 0.002 there).
describe.for([
  {
    entry: colbertv2,
    rows: [
      [0.0759, 0.0841, -0.0299, 0.0374, 0.0254],
      [0.0005, -0.0163, -0.0127, 0.2165, 0.1517],
      [-0.0257, -0.0575, 0.0135, 0.2202, 0.1896],
      [0.0846, 0.0122, 0.0032, -0.0109, -0.1041],
      [0.0477, 0.1078, -0.0314, 0.016, 0.0156],
    ],
  },
  {
    entry: answeraiColbertSmall,
    rows: [
      [-0.0728, 0.0463, -0.0471, 0.0076, -0.0737],
      [-0.0446, 0.0443, -0.074, 0.018, -0.0523],
      [0.0994, -0.0512, -0.0493, -0.0528, -0.0894],
      [0.0164, 0.0203, -0.0379, 0.0317, -0.065],
      [-0.0728, 0.0463, -0.0471, 0.0076, -0.0737],
    ],
  },
  {
    entry: jinaColbertV2,
    rows: [
      [0.0742, 0.0591, -0.2403, -0.1774, 0.02],
      [0.1318, 0.0882, -0.1138, -0.2066, 0.146],
      [-0.0183, -0.1354, -0.0139, -0.1079, -0.051],
      [0.0003, -0.1184, -0.07, -0.0479, -0.0649],
      [0.0766, 0.0452, -0.2343, -0.183, 0.0058],
    ],
  },
])("$entry.recipe.name", ({ entry, rows }) => {
  it.skipIf(isMissing(entry))("has the vectors that fastembed has", { timeout: TIMEOUT_MS }, async () => {
    const model = await load(entry);
    const [page] = await model.encodePages([textPage("Hello World")]);
    expect(page?.vectorCount).toBe(rows.length);
    for (const [r, row] of rows.entries()) {
      const start = r * model.recipe.dim;
      const ours = page?.vectors.subarray(start, start + row.length) ?? new Float32Array();
      for (const [d, value] of row.entries()) expect(Math.abs((ours[d] ?? Number.NaN) - value)).toBeLessThan(0.003);
    }
    await model.dispose();
  });
});
