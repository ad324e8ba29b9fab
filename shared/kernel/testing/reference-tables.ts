/**
 * The tables of a block of a query as the scalar references make them, from a codebook as it is read.
 *
 * @module
 */
import type { Codebook } from "../../format/contract.ts";
import { largestNorm } from "../kernel.ts";
import { addShortScales, laneScales, type LaneScales, scalesOfRows } from "../lane-scales.ts";
import type { QueryBlock } from "../query-block.ts";
import * as reference from "../reference.ts";
import { hasShortCodewords, shortCodewords } from "../short-codewords.ts";
import { shortBlock, shortLength } from "../short-rows.ts";

export interface ReferenceTables {
  /** i8 and i16 `[centroids, 32]`. */
  bagRows: Int8Array;
  pqRows: Int16Array;
  /** `[subspaces, 256, 32]`, without bias. */
  entries: Int8Array;
  scales: LaneScales;
}

/** @param step value of one unit of a bag row. */
export function referenceTables(codebook: Codebook, block: QueryBlock, step: number): ReferenceTables {
  const { dim, subspaces, codewords, centroids, cells, centroidScale } = codebook;
  const length = largestNorm(centroids, dim);
  const facts = { centroidScale, centroidNormMax: length * centroidScale };
  const centroidLength = Math.max(length, largestNorm(cells.centroids, dim));
  const shortTo = shortLength(centroidLength);
  const ofCentroids = shortTo === undefined ? block : shortBlock(block, shortTo);
  const rowsWith = ({ bagFactors, pqFactors }: LaneScales): Pick<ReferenceTables, "bagRows" | "pqRows"> =>
    reference.centroidTables(centroids, dim, ofCentroids.rows, bagFactors, pqFactors);
  if (hasShortCodewords(dim / subspaces, centroidLength)) {
    const short = shortCodewords(codewords, dim / subspaces);
    const maxima = reference.shortEntryMaxima(short.values, subspaces, ofCentroids.rows, dim);
    const scales = scalesOfRows(ofCentroids, facts, step);
    addShortScales(scales, ofCentroids, { ...facts, codewordScale: short.scale }, maxima, 0);
    const { rows } = ofCentroids;
    const entries = reference.shortPqTables(short.values, subspaces, rows, dim, scales.entryFactors);
    return { ...rowsWith(scales), entries, scales };
  }
  const maxima = reference.pqEntryMaxima(codewords, subspaces, block.values, dim);
  const scales = laneScales(ofCentroids, facts, step, maxima);
  const entries = reference.pqTables(codewords, subspaces, block.values, dim, scales.entryFactors);
  return { ...rowsWith(scales), entries, scales };
}
