/**
 * The real weights, where they are: vectors of a question against those that fastembed publishes in its own tests
 * (qdrant/fastembed, tests/test_late_interaction_multimodal.py, CANONICAL_QUERY_VALUES of "hello world"). Run with
 * `MAXLEAF_TEST_MODELS=.maxleaf/models` after `maxleaf models pull colmodernvbert` or `colpali-v1.3`.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { colpaliV13 } from "../colpali/colpali-v1.3.ts";
import { colmodernvbert } from "../idefics/colmodernvbert.ts";

const FOLDER = process.env["MAXLEAF_TEST_MODELS"] ?? "";
/** fastembed's own tolerance. */
const TOLERANCE = 2e-3;
const TIMEOUT_MS = 10 * 60_000;

/** The first seven numbers of the first seven vectors. */
const PUBLISHED = [
  {
    entry: colmodernvbert,
    vectors: [
      [0.05, 0.06557, 0.04026, 0.14981, 0.1842, 0.0263, -0.18706],
      [-0.05664, -0.14028, 0.00649, -0.02849, 0.09034, -0.01494, 0.10693],
      [-0.10147, -0.00716, 0.09084, -0.08236, -0.01849, -0.00972, -0.00461],
      [-0.1233, -0.10814, -0.02337, -0.00329, 0.05984, 0.09934, 0.09846],
      [-0.07053, -0.13119, -0.06487, 0.01508, 0.07459, 0.07655, 0.14821],
      [0.00526, -0.13842, -0.05837, -0.02721, 0.13009, 0.05076, 0.17962],
      [0.00924, -0.14383, -0.03057, -0.03691, 0.11718, 0.037, 0.13344],
    ],
  },
  {
    entry: colpaliV13,
    vectors: [
      [-0.0023, 0.1477, 0.1594, 0.046, -0.0196, 0.0554, 0.1567],
      [-0.0139, -0.0057, 0.0932, 0.0052, -0.0678, 0.0131, 0.0537],
      [0.0054, 0.0364, 0.2078, -0.074, 0.0355, 0.061, 0.1593],
      [-0.0076, -0.0154, 0.2266, 0.0103, 0.0089, -0.024, 0.098],
      [-0.0274, 0.0098, 0.2106, -0.0634, 0.0616, -0.0021, 0.0708],
      [0.0074, 0.0025, 0.1631, -0.0802, 0.0418, -0.0219, 0.1022],
      [-0.0165, -0.0106, 0.1672, -0.0768, 0.0389, -0.0038, 0.1137],
    ],
  },
];

describe.each(PUBLISHED)("$entry.recipe.name with its real weights", ({ entry, vectors }) => {
  const modelFolder = join(FOLDER, entry.recipe.name);
  const isHere = FOLDER !== "" && existsSync(join(modelFolder, "model.onnx"));

  it.runIf(isHere)(
    "encodes a question as fastembed does",
    async () => {
      const model = await entry.load({ modelFolder });
      const query = await model.encodeQuery("hello world");
      await model.dispose();
      for (const [row, expected] of vectors.entries()) {
        const found = query.vectors.subarray(row * query.dim, row * query.dim + expected.length);
        const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - (found[i] ?? 0))), 0);
        expect(worst, `vector ${row}`).toBeLessThan(TOLERANCE);
      }
    },
    TIMEOUT_MS,
  );
});
