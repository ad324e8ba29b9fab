/**
 * Makes the lexical index of pages from their text.
 *
 * @module
 */
import { type BlockPart, BlockWriter } from "./blocks.ts";
import { PostingsWriter } from "./postings.ts";
import { encodeLexicalTable } from "./table.ts";
import { hashTerm } from "./term-hash.ts";
import { termsOf } from "./terms.ts";

/** A lexical index as it is stored. */
export interface BuiltLexical {
  table: Uint8Array;
  parts: BlockPart[];
}

/** A page of a list, then how often it has the term, and so on. */
type FlatPostings = number[];

export class LexicalBuilder {
  readonly #terms = new Map<string, FlatPostings>();
  readonly #lengths: number[] = [];

  /** Pages are numbered in the order in which they come. */
  add(text: string): void {
    const page = this.#lengths.length;
    const terms = termsOf(text);
    for (const term of terms) this.#count(term, page);
    this.#lengths.push(terms.length);
  }

  /** @param maxPartBytes see {@link BlockWriter}; by default all is one part. */
  finish(maxPartBytes = Number.POSITIVE_INFINITY): BuiltLexical {
    const byHash = new Map<bigint, FlatPostings[]>();
    for (const [term, postings] of this.#terms) {
      const hash = hashTerm(term);
      const known = byHash.get(hash);
      if (known === undefined) byHash.set(hash, [postings]);
      else known.push(postings);
    }
    const writer = new BlockWriter(maxPartBytes);
    for (const hash of BigUint64Array.from(byHash.keys()).sort()) {
      writer.add(hash, encode(byHash.get(hash) ?? []));
    }
    const parts = writer.finish();
    return {
      table: encodeLexicalTable(
        parts.map(({ rows }) => rows),
        this.#lengths,
      ),
      parts,
    };
  }

  #count(term: string, page: number): void {
    const postings = this.#terms.get(term);
    if (postings === undefined) this.#terms.set(term, [page, 1]);
    else if (postings.at(-2) === page) postings.push((postings.pop() ?? 0) + 1);
    else postings.push(page, 1);
  }
}

/** Of one term, or of the few that share a hash: those count as one. */
function encode(terms: readonly FlatPostings[]): Uint8Array {
  const [first = []] = terms;
  const postings = terms.length === 1 ? first : together(terms);
  const writer = new PostingsWriter();
  for (let at = 0; at < postings.length; at += 2) writer.add(postings[at] ?? 0, postings[at + 1] ?? 0);
  return writer.finish();
}

function together(terms: readonly FlatPostings[]): FlatPostings {
  const counts = new Map<number, number>();
  for (const postings of terms) {
    for (let at = 0; at < postings.length; at += 2) {
      const page = postings[at] ?? 0;
      counts.set(page, (counts.get(page) ?? 0) + (postings[at + 1] ?? 0));
    }
  }
  return [...counts].toSorted(([a], [b]) => a - b).flat();
}
