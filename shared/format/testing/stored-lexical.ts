/**
 * Reads all of a lexical index, and says by brute force what must be in it.
 *
 * @module
 */
import { termsOfBlock } from "../lexical/blocks.ts";
import type { LexicalIndex } from "../lexical/contract.ts";
import type { LexicalSource } from "../lexical/merge-lexical.ts";
import { decodePostings } from "../lexical/postings.ts";
import { hashTerm } from "../lexical/term-hash.ts";
import { termsOf } from "../lexical/terms.ts";

/** Hash → [page, count] of every page that has the term, and the pages' lengths. */
export interface LexicalContent {
  terms: Map<bigint, [number, number][]>;
  lengths: number[];
}

export async function readLexical(index: LexicalSource | LexicalIndex): Promise<LexicalContent> {
  const terms: LexicalContent["terms"] = new Map();
  const blocks = await index.readBlocks(Array.from({ length: index.blockCount }, (_, block) => block));
  for (const block of blocks) {
    for (const { hash, postings } of termsOfBlock(block, "block")) {
      const { pages, counts } = decodePostings(postings, index.pageCount, "postings");
      terms.set(
        hash,
        Array.from(pages, (page, i): [number, number] => [page, counts[i] ?? 0]),
      );
    }
  }
  return { terms, lengths: [...index.lengths] };
}

/** What {@link readLexical} must give for pages with these texts, terms in ascending order. */
export function lexicalContent(texts: readonly string[]): LexicalContent {
  const terms: LexicalContent["terms"] = new Map();
  for (const [page, text] of texts.entries()) {
    const counts = new Map<bigint, number>();
    for (const term of termsOf(text)) counts.set(hashTerm(term), (counts.get(hashTerm(term)) ?? 0) + 1);
    for (const [hash, count] of counts) terms.set(hash, [...(terms.get(hash) ?? []), [page, count]]);
  }
  const ascending = [...terms].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { terms: new Map(ascending), lengths: texts.map((text) => termsOf(text).length) };
}
