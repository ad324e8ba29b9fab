/**
 * A set of pages and queries as vectors, in the files that `export-vectors.ts` writes.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { EncodedQuery } from "../../../shared/engine/contract.ts";
import { NO_REGION, type EncodedPage } from "../../../shared/page.ts";
import { NpyMatrix, parseNpyIntegers } from "./npy.ts";

export interface QueryVectors {
  tokenCount: number;
  /** `[tokenCount, dim]`. */
  vectors: Float32Array;
}

/** `docs.npy` `[vectors, dim]`, `doc_lens.npy` `[pages]`, `queries.npy` `[tokens, dim]`, `query_lens.npy` `[queries]`. */
export class VectorSet {
  readonly name: string;
  readonly dim: number;
  readonly vectorCount: number;
  /** Vectors of every page. */
  readonly pageSizes: readonly number[];
  readonly queries: readonly QueryVectors[];
  readonly #docs: NpyMatrix;

  private constructor(name: string, docs: NpyMatrix, pageSizes: number[], queries: QueryVectors[]) {
    this.name = name;
    this.dim = docs.columns;
    this.vectorCount = docs.rows;
    this.pageSizes = pageSizes;
    this.queries = queries;
    this.#docs = docs;
  }

  static async open(folder: string): Promise<VectorSet> {
    const lengthsIn = async (name: string) => parseNpyIntegers(await readFile(path.join(folder, name)), name);
    const docs = await NpyMatrix.open(path.join(folder, "docs.npy"));
    const pageSizes = await lengthsIn("doc_lens.npy");
    const total = pageSizes.reduce((sum, size) => sum + size, 0);
    if (total !== docs.rows) throw new Error(`${folder}: pages have ${total} vectors, docs.npy has ${docs.rows}`);
    const tokens = await NpyMatrix.open(path.join(folder, "queries.npy"));
    const queries: QueryVectors[] = [];
    let first = 0;
    for (const tokenCount of await lengthsIn("query_lens.npy")) {
      queries.push({ tokenCount, vectors: await tokens.read(first, tokenCount) });
      first += tokenCount;
    }
    await tokens.close();
    return new VectorSet(path.basename(path.resolve(folder)), docs, pageSizes, queries);
  }

  /** The vectors of every page in order, `[n, dim]` each. */
  async *pages(): AsyncGenerator<Float32Array> {
    let first = 0;
    for (const size of this.pageSizes) {
      yield await this.#docs.read(first, size);
      first += size;
    }
  }

  /** Rows `[first, first + count)` of all vectors. */
  async vectors(first: number, count: number): Promise<Float32Array> {
    return await this.#docs.read(first, count);
  }

  async close(): Promise<void> {
    await this.#docs.close();
  }
}

/** `count` of `items`, evenly spread; all when there are no more. The peers' harness takes the same. */
export function evenly<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  const step = (items.length - 1) / Math.max(1, count - 1);
  return Array.from({ length: count }, (_, i) => items[Math.trunc(i * step)]).filter((item) => item !== undefined);
}

/** A page that is vectors and nothing else, as an encoder would hand it over. */
export function barePage(vectors: Float32Array, dim: number, pageNumber = 1): EncodedPage {
  const vectorCount = vectors.length / dim;
  return {
    pageNumber,
    width: 612,
    height: 792,
    status: vectorCount > 0 ? "searchable" : "no-text",
    vectorCount,
    vectors,
    geometry: nowhere(vectorCount),
    text: "",
  };
}

/** Geometry of vectors that sit nowhere: the smallest there is, 2 bytes a vector. */
export function nowhere(vectorCount: number): EncodedPage["geometry"] {
  const regionOfVector = new Uint16Array(vectorCount).fill(NO_REGION);
  return { kind: "grid", boxes: new Uint16Array(), columns: 0, rows: 0, regionOfVector };
}

/** The query as the engine takes it. */
export function encodedQuery(query: QueryVectors, recipeFingerprint: string): EncodedQuery {
  const { tokenCount, vectors } = query;
  const tokens = Array.from({ length: tokenCount }, (_, i) => ({ text: `t${i}`, start: 0, end: 0 }));
  return { recipeFingerprint, dim: vectors.length / tokenCount, tokenCount, vectors, tokens };
}

/** For JSON; {@link fromBase64} gives the same values. */
export function toBase64(values: Float32Array): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64");
}

export function fromBase64(text: string): Float32Array {
  // A copy: small buffers of Node lie anywhere in a shared block.
  return new Float32Array(Uint8Array.from(Buffer.from(text, "base64")).buffer);
}
