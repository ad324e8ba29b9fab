/**
 * The part of the WebAssembly API the kernels need, typed here: neither ES2024's library nor Node's types declare it, and
 * the DOM's and the Workers' declarations cannot be loaded together with Node's.
 *
 * @module
 */
import { MaxleafError } from "../errors.ts";

/** A compiled `kernel.wasm` or `kernel-relaxed.wasm`: what the worker imports, or {@link compileKernel} returns. */
export type KernelModule = object;

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

interface WasmInstance {
  readonly exports: Record<string, unknown>;
}

interface WasmNamespace {
  Memory: new (descriptor: { initial: number; maximum: number }) => WasmMemory;
  Instance: new (module: KernelModule, imports: { env: { memory: WasmMemory } }) => WasmInstance;
  compile(bytes: Uint8Array): Promise<KernelModule>;
  validate(bytes: Uint8Array): boolean;
}

/** The global; erased from the running code. */
declare const WebAssembly: WasmNamespace;

/** A pointer into kernel memory, or a count. */
type I32 = number;

/** The exports of assembly/index.ts; see there for shapes. */
export interface KernelExports {
  scanBags(offsets: I32, ids: I32, selected: I32, first: I32, end: I32, lanes: I32, rows: I32, scores: I32): void;
  centroidRows(
    centroids: I32,
    starts: I32,
    ids: I32,
    count: I32,
    dim: I32,
    lanes: I32,
    query: I32,
    bagFactors: I32,
    pqFactors: I32,
    scratch: I32,
    bagRows: I32,
    pqRows: I32,
  ): void;
  missingCentroids(ids: I32, count: I32, present: I32, missing: I32): I32;
  keepBestRows(rows: I32, firstId: I32, count: I32, tokens: I32, limit: I32, scores: I32, ids: I32, last: I32): void;
  probeGains(rows: I32, count: I32, tokens: I32, nprobe: I32, counts: I32, cutoffs: I32): void;
  scanLists(lists: I32, count: I32, rowBytes: I32, range: I32, scores: I32, pageCount: I32, isFirst: I32): I32;
  topPages(scores: I32, mask: I32, pageCount: I32, limit: I32, heap: I32, best: I32): I32;
  pagesAbove(
    scores: I32,
    mask: I32,
    shortest: I32,
    penalties: I32,
    pageCount: I32,
    first: I32,
    floor: I32,
    limit: I32,
    found: I32,
  ): I32;
  pqEntries(codewords: I32, subspaces: I32, width: I32, query: I32, entries: I32, maxima: I32): void;
  pqTables(entries: I32, rows: I32, group: I32, factors: I32, tables: I32): void;
  shortEntries(codewords: I32, subspaces: I32, width: I32, quads: I32, pieces: I32, entries: I32, maxima: I32): void;
  shortTables(entries: I32, rows: I32, factors: I32, tables: I32): void;
  pqMax(
    ids: I32,
    codes: I32,
    count: I32,
    subspaces: I32,
    lanes: I32,
    pqRows: I32,
    tables: I32,
    maxima: I32,
    scores: I32,
  ): void;
  pqBest(
    ids: I32,
    codes: I32,
    count: I32,
    subspaces: I32,
    lanes: I32,
    pqRows: I32,
    tables: I32,
    row: I32,
    maxima: I32,
    winners: I32,
  ): void;
  pqContenders(scores: I32, count: I32, subspaces: I32, lanes: I32, floors: I32, masks: I32): void;
  pqVectorScores(
    ids: I32,
    codes: I32,
    count: I32,
    subspaces: I32,
    lanes: I32,
    pqRows: I32,
    tables: I32,
    scores: I32,
  ): void;
  exactBest(
    vectors: I32,
    scales: I32,
    positions: I32,
    count: I32,
    dim: I32,
    lanes: I32,
    pairs: I32,
    scratch: I32,
    best: I32,
    winners: I32,
  ): void;
  exactContenders(
    vectors: I32,
    scales: I32,
    masks: I32,
    count: I32,
    dim: I32,
    rows: I32,
    best: I32,
    winners: I32,
  ): void;
}

const EXPORT_NAMES = [
  "scanBags",
  "centroidRows",
  "missingCentroids",
  "keepBestRows",
  "probeGains",
  "scanLists",
  "topPages",
  "pagesAbove",
  "pqEntries",
  "pqTables",
  "shortEntries",
  "shortTables",
  "pqMax",
  "pqBest",
  "pqContenders",
  "pqVectorScores",
  "exactBest",
  "exactContenders",
] as const satisfies readonly (keyof KernelExports)[];

function hasKernelExports(exports: Record<string, unknown>): exports is Record<string, unknown> & KernelExports {
  return EXPORT_NAMES.every((name) => typeof exports[name] === "function");
}

/**
 * The smallest module with a relaxed instruction: (module (func (result v128) (f32x4.relaxed_madd zeros zeros zeros))), the
 * zeros made by i32x4.splat. Sections: type, function, code.
 */
const RELAXED_PROBE_HEX = [
  "0061736d01000000",
  "0105016000017b",
  "03020100",
  "0a13011100",
  "4100fd11".repeat(3),
  "fd85020b",
].join("");

/** Whether this engine has relaxed SIMD, and so runs `kernel-relaxed.wasm`; false where it may not even be asked. */
export function supportsRelaxedSimd(): boolean {
  try {
    const bytes = RELAXED_PROBE_HEX.match(/../g) ?? [];
    return WebAssembly.validate(Uint8Array.from(bytes, (hex) => Number.parseInt(hex, 16)));
  } catch {
    return false;
  }
}

/** Compiles the bytes of `kernel.wasm`. Not at the edge, where compiling at run time is disallowed: import the module there. */
export function compileKernel(bytes: Uint8Array): Promise<KernelModule> {
  return WebAssembly.compile(bytes);
}

/** Memory of `initialPages` 64 KiB pages that may grow to `maximumPages`. */
export function createMemory(initialPages: number, maximumPages: number): WasmMemory {
  return new WebAssembly.Memory({ initial: initialPages, maximum: maximumPages });
}

/** An instance of `module` over `memory`. Errors: `internal` when the module is not this build's kernel. */
export function instantiateKernel(module: KernelModule, memory: WasmMemory): KernelExports {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  if (hasKernelExports(exports)) return exports;
  throw new MaxleafError("internal", `the kernel module lacks one of ${EXPORT_NAMES.join(", ")}: run the build again`);
}
