/**
 * The fixed projection from hidden states to page vectors: subtract the centre, keep the leading principal components,
 * normalise. Made by `train-projection.ts`; part of the recipe, because vectors of two projections do not compare.
 *
 * @module
 */
import { MaxleafError } from "../../../shared/errors.ts";
import { HIDDEN_DIM } from "./trunk.ts";
import { readWeights, weightsFiles } from "./weights.ts";

/** Dimensions kept: on Cranfield nDCG@10 .548 with all 384, .532 with 128, .519 with 64. */
export const PROJECTED_DIM = 128;

/** A linear map with centring; `project` normalises its result. */
export class Projection {
  /** `[384, 128]`, row-major. */
  readonly #matrix: Float32Array;
  /** `[128]`: centre · matrix, so that centring costs one subtraction per output. */
  readonly #offset: Float32Array;

  /**
   * @param centre `[384]`.
   * @param matrix `[384, 128]`, row-major; its columns are the components.
   */
  constructor(centre: Float32Array, matrix: Float32Array) {
    if (centre.length !== HIDDEN_DIM || matrix.length !== HIDDEN_DIM * PROJECTED_DIM) {
      throw new MaxleafError(
        "model_unavailable",
        `a projection needs a centre of ${HIDDEN_DIM} and a matrix of ${HIDDEN_DIM} × ${PROJECTED_DIM}, not ${centre.length} and ${matrix.length} numbers`,
      );
    }
    this.#matrix = matrix;
    this.#offset = new Float32Array(PROJECTED_DIM);
    this.#accumulate(centre, 0, this.#offset);
  }

  /**
   * Projects rows `firstRow … firstRow + rowCount` of `hidden` `[n, 384]` and appends them to `target` `[m, 128]` at row
   * `targetRow`, each of length 1.
   */
  project(hidden: Float32Array, firstRow: number, rowCount: number, target: Float32Array, targetRow: number): void {
    for (let row = 0; row < rowCount; row++) {
      const begin = (targetRow + row) * PROJECTED_DIM;
      const vector = target.subarray(begin, begin + PROJECTED_DIM);
      vector.fill(0);
      this.#accumulate(hidden, (firstRow + row) * HIDDEN_DIM, vector);
      for (let d = 0; d < PROJECTED_DIM; d++) vector[d] = (vector[d] ?? 0) - (this.#offset[d] ?? 0);
      normalize(vector);
    }
  }

  #accumulate(hidden: Float32Array, begin: number, vector: Float32Array): void {
    const matrix = this.#matrix;
    for (let i = 0; i < HIDDEN_DIM; i++) {
      const weight = hidden[begin + i] ?? 0;
      const row = i * PROJECTED_DIM;
      for (let d = 0; d < PROJECTED_DIM; d++) vector[d] = (vector[d] ?? 0) + weight * (matrix[row + d] ?? 0);
    }
  }
}

/** Scales `vector` to length 1 in place; a vector of zeros stays. */
export function normalize(vector: Float32Array): void {
  let square = 0;
  for (const value of vector) square += value * value;
  if (square === 0) return;
  const scale = 1 / Math.sqrt(square);
  for (let d = 0; d < vector.length; d++) vector[d] = (vector[d] ?? 0) * scale;
}

/**
 * `weights/projection.bin`: little-endian float32, the centre `[384]`, then the matrix `[384, 128]`.
 * Errors: `model_unavailable`.
 */
export async function loadProjection(): Promise<Projection> {
  const bytes = await readWeights(weightsFiles.projection);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = Float32Array.from({ length: bytes.byteLength / 4 }, (_, i) => view.getFloat32(i * 4, true));
  return new Projection(values.subarray(0, HIDDEN_DIM), values.subarray(HIDDEN_DIM));
}
