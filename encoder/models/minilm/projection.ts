/**
 * The fixed projection from hidden states to page vectors: subtract the centre, keep the leading principal components,
 * normalise. Made by `train-projection.ts`; part of the recipe, because vectors of two projections do not compare.
 *
 * The runtime computes it, in the session that made the hidden states.
 *
 * @module
 */
import { MaxleafError } from "../../../shared/errors.ts";
import { encodeGraphExtension } from "../../indexing/onnx-graph.ts";
import { HIDDEN_DIM, HIDDEN_STATES, type TrunkOutput } from "./trunk.ts";
import { readWeights, weightsFiles } from "./weights.ts";

/** Dimensions kept: on Cranfield nDCG@10 .548 with all 384, .532 with 128, .519 with 64. */
export const PROJECTED_DIM = 128;

/**
 * The trunk's output that is projected, each row of length 1.
 *
 * @param centre `[384]`.
 * @param matrix `[384, 128]`, row-major; its columns are the components.
 */
export function projectedOutput(centre: Float32Array, matrix: Float32Array): TrunkOutput {
  if (centre.length !== HIDDEN_DIM || matrix.length !== HIDDEN_DIM * PROJECTED_DIM) {
    throw new MaxleafError(
      "model_unavailable",
      `a projection needs a centre of ${HIDDEN_DIM} and a matrix of ${HIDDEN_DIM} × ${PROJECTED_DIM}, not ${centre.length} and ${matrix.length} numbers`,
    );
  }
  const name = "projected_vectors";
  const extension = encodeGraphExtension({
    constants: [
      { name: "projection_centre", shape: [HIDDEN_DIM], values: centre },
      { name: "projection_matrix", shape: [HIDDEN_DIM, PROJECTED_DIM], values: matrix },
    ],
    nodes: [
      { op: "Sub", inputs: [HIDDEN_STATES, "projection_centre"], outputs: ["projection_centred"] },
      { op: "MatMul", inputs: ["projection_centred", "projection_matrix"], outputs: ["projection_product"] },
      // Its defaults: the last axis, the Euclidean norm; zeros stay zeros.
      { op: "LpNormalization", inputs: ["projection_product"], outputs: [name] },
    ],
    outputs: [{ name, type: "float32", shape: ["batch", "sequence", PROJECTED_DIM] }],
  });
  return { name, dim: PROJECTED_DIM, extension };
}

/** Scales `vector` to length 1 in place; a vector of zeros stays. */
export function normalize(vector: Float32Array): void {
  let square = 0;
  for (const value of vector) square += value * value;
  if (square === 0) return;
  const scale = 1 / Math.sqrt(square);
  for (let d = 0; d < vector.length; d++) vector[d] = (vector[d] ?? 0) * scale;
}

/** The centre and the matrix of `weights/projection.bin`, little-endian float32. Errors: `model_unavailable`. */
export async function readProjection(): Promise<{ centre: Float32Array; matrix: Float32Array }> {
  const bytes = await readWeights(weightsFiles.projection);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = Float32Array.from({ length: bytes.byteLength / 4 }, (_, i) => view.getFloat32(i * 4, true));
  return { centre: values.subarray(0, HIDDEN_DIM), matrix: values.subarray(HIDDEN_DIM) };
}
