/**
 * An encoder for indexes of random vectors: every word has a vector of its own, drawn from its letters.
 *
 * @module
 */
import type { RandomIndex } from "../../shared/engine/testing/random-index.ts";
import { seededRandom } from "../../shared/seeded-random.ts";
import { encodeAnswer, readEncodeRequest } from "./encoder.ts";
import type { TestAppOptions } from "./harness.ts";

/** Answers as the encoder of `index` would. */
export function randomEncoder({ recipe, fingerprint, codebook }: RandomIndex): NonNullable<TestAppOptions["encoder"]> {
  const { dim } = codebook;
  return {
    fetch: async (request) => {
      const { query } = await readEncodeRequest(request);
      return Response.json(
        encodeAnswer(query, { name: recipe.name, fingerprint, dim }, (word) => unitVector(word, dim)),
      );
    },
  };
}

function unitVector(word: string, dim: number): Float32Array {
  const random = seededRandom(new TextEncoder().encode(word).reduce((sum, byte) => sum * 31 + byte, 7));
  const values = Float32Array.from({ length: dim }, () => random.next() - 0.5);
  const norm = Math.hypot(...values);
  return values.map((value) => value / norm);
}
