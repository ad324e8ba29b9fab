/**
 * The WASM kernels' exports. Every kernel has a scalar twin in ../reference.ts that gives the same integers.
 *
 * @module
 */
export { scanBags } from "./bags";
