/**
 * What the words of a question are weighed by: of one index, or added up over the parts of one.
 *
 * @module
 */
import type { TermCounts, TermWeighting } from "../contract.ts";
import { inverseFrequency } from "./bm25.ts";

/**
 * Bytes of blocks that a question may read. A word that half of a million pages have takes half a megabyte, so that ten of
 * them fit; a longer question leaves the words out that most pages have, whose weight is the smallest.
 */
export const MAX_TERM_BYTES = 8 * 1024 * 1024;

/** The terms with the fewest bytes, as many as `maxBytes` allow and one at least, in the order in which they are asked. */
export function cheapestTerms<Term>(
  asked: readonly Term[],
  bytesOf: (term: Term) => number,
  maxBytes = MAX_TERM_BYTES,
): Term[] {
  const costs = asked.map((term) => ({ term, bytes: bytesOf(term) }));
  const taken = new Set<Term>();
  let bytes = 0;
  for (const cost of costs.toSorted((a, b) => a.bytes - b.bytes)) {
    bytes += cost.bytes;
    if (bytes > maxBytes && taken.size > 0) break;
    taken.add(cost.term);
  }
  return asked.filter((term) => taken.has(term));
}

/** Terms of a page. */
export function meanLengthOf({ pages, pageTerms }: Pick<TermWeighting, "pages" | "pageTerms">): number {
  return pageTerms / Math.max(1, pages);
}

/**
 * What `parts` of an index counted of one question, as of the whole. Terms are left out as the whole would leave them out; and one that
 * some part did not look up, which takes more than {@link MAX_TERM_BYTES} in that part alone.
 */
export function weightingOf(parts: readonly TermCounts[]): TermWeighting {
  const total = (field: "pages" | "pageTerms") => parts.reduce((sum, part) => sum + part[field], 0);
  const terms = (parts[0]?.terms ?? []).map(({ term }, i) => ({
    term,
    bytes: parts.reduce((sum, part) => sum + (part.terms[i]?.bytes ?? 0), 0),
    found: parts.reduce((sum, part) => sum + (part.terms[i]?.found ?? Number.NaN), 0),
  }));
  const affordable = cheapestTerms(terms, ({ bytes }) => bytes).filter(({ found }) => !Number.isNaN(found));
  return {
    pages: total("pages"),
    pageTerms: total("pageTerms"),
    found: new Map(affordable.map(({ term, found }) => [term, found])),
  };
}

/** Inverse document frequency of every term that some page has. */
export function weightsOf({ pages, found }: TermWeighting): ReadonlyMap<string, number> {
  const known = Array.from(found).filter(([, ofTerm]) => ofTerm > 0);
  return new Map(known.map(([term, ofTerm]) => [term, inverseFrequency(pages, ofTerm)]));
}
