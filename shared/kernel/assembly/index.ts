/**
 * The WASM kernels' exports. Every kernel has a scalar twin in ../reference.ts that gives the same numbers, bit for bit,
 * but for the PQ tables that the relaxed build makes of floats (rounding.ts).
 *
 * The kernels keep no state and no data of their own: every pointer is the caller's (../kernel.ts), every size is checked
 * there. Conventions: a block is 32 query tokens, one per lane; `[a, b]` arrays are row-major; a dimension is a multiple
 * of 16; a page may have any number of vectors unless said otherwise.
 *
 * @module
 */
export { scanBags } from "./bags";
export { centroidRows, missingCentroids } from "./centroid-tables";
export { exactBest, exactContenders } from "./exact";
export { pagesAbove, scanLists, topPages } from "./lists";
export { pqEntries, pqTables } from "./pq-tables";
export { pqContenders } from "./pq-contenders";
export { pqBest, pqMax, pqVectorScores } from "./pq-maxsim";
export { probeGains } from "./probe-gains";
export { shortEntries, shortTables } from "./short-entries";
export { keepBestRows } from "./top-lanes";
