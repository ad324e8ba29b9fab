/**
 * The vectors of documents' names, which stand on every page of the document as if the name were written there.
 *
 * A question says which report it means, and the report's pages often do not: the words of their names gave 41 filings
 * +.036 nDCG@10 (docs/evaluation.md, "What was tried to find more").
 *
 * @module
 */
import { LRUCache } from "lru-cache";
import { nameWords } from "../text/name-words.ts";
import type { WordTokenizer } from "../text/word-tokenizer.ts";

/**
 * Word pieces of a name that count, whole words only: every page stores a vector for each, and a name may have 1,024 bytes. Those of
 * the filings that were measured have 4 to 11. Ours.
 */
export const MAX_NAME_PIECES = 32;

/** Names kept, 16 KB each at most: far more than documents are ingested at a time. */
const NAMES_KEPT = 64;

/** Encodes the name of a document once for all of its pages. */
export class NameVectors {
  readonly #tokenizer: WordTokenizer;
  readonly #encode: (ids: readonly number[]) => Promise<Float32Array>;
  readonly #kept = new LRUCache<string, Promise<Float32Array>>({ max: NAMES_KEPT });

  /** @param encode word pieces to their rows, `[ids, dim]`. */
  constructor(tokenizer: WordTokenizer, encode: (ids: readonly number[]) => Promise<Float32Array>) {
    this.#tokenizer = tokenizer;
    this.#encode = encode;
  }

  /** `[pieces, dim]`, at most {@link MAX_NAME_PIECES}; none without a name or of a name without words. Errors: those of encoding. */
  async of(name: string | undefined): Promise<Float32Array> {
    if (name === undefined) return new Float32Array(0);
    const kept = this.#kept.get(name);
    if (kept !== undefined) return await kept;
    const vectors = this.#encodeName(name);
    this.#kept.set(name, vectors);
    try {
      return await vectors;
    } catch (error) {
      // The next page tries again.
      this.#kept.delete(name);
      throw error;
    }
  }

  async #encodeName(name: string): Promise<Float32Array> {
    const ids = namePieces(name, this.#tokenizer);
    return ids.length === 0 ? new Float32Array(0) : await this.#encode(ids);
  }
}

/** Word pieces of the first words of `name`. */
export function namePieces(name: string, tokenizer: WordTokenizer): number[] {
  const ids: number[] = [];
  for (const word of nameWords(name)) {
    const pieces = tokenizer.splitWord(word);
    if (ids.length + pieces.length > MAX_NAME_PIECES) break;
    for (const { id } of pieces) ids.push(id);
  }
  return ids;
}
