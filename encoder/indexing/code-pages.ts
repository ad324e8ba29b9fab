/**
 * Codes the exact vectors of pages, all in one run.
 *
 * @module
 */
import type { PageCodes, PageVectors } from "../../shared/format/contract.ts";
import type { Matrix } from "./matrix-runner.ts";
import { dequantizeInto } from "./page-vectors.ts";
import type { VectorCoder } from "./vector-coder.ts";

/** A page's codes under one codebook. */
export interface CodedPage extends PageCodes {
  codebookId: string;
  /** Sum of the distances of its vectors to their centroids. */
  residualNormTotal: number;
}

/** One result for each of `pages`. */
export async function codeRows(coder: VectorCoder, pages: readonly PageVectors[], dim: number): Promise<CodedPage[]> {
  const count = pages.reduce((sum, { scales }) => sum + scales.length, 0);
  if (count === 0) return pages.map(() => withoutVectors(coder));
  const vectors: Matrix = { values: new Float32Array(count * dim), count, dim };
  let filled = 0;
  for (const exact of pages) {
    dequantizeInto(vectors, filled, exact);
    filled += exact.scales.length;
  }
  const { centroidIds, codes, residualNorms } = await coder.code(vectors);
  const { id: codebookId, subspaces } = coder.codebook;
  let first = 0;
  return pages.map(({ scales }) => {
    const last = first + scales.length;
    const coded: CodedPage = {
      codebookId,
      centroidIds: centroidIds.slice(first, last),
      codes: codes.slice(first * subspaces, last * subspaces),
      residualNormTotal: residualNorms.subarray(first, last).reduce((sum, norm) => sum + norm, 0),
    };
    first = last;
    return coded;
  });
}

function withoutVectors({ codebook }: VectorCoder): CodedPage {
  const nothing = { centroidIds: new Uint16Array(), codes: new Uint8Array(), residualNormTotal: 0 };
  return { codebookId: codebook.id, ...nothing };
}
