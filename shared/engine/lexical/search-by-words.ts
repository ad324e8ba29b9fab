/**
 * Words in a search: alone, where they need neither vectors nor kernel, or beside the vectors.
 *
 * @module
 */
import { bareHits, wordHits } from "../hits.ts";
import type { Found, SearchWork } from "../search-work.ts";
import { pagesByWords } from "./mode-ranking.ts";
import { wordCandidates } from "./mode.ts";
import { questionWords, tokensOfWords } from "./question-words.ts";
import { type LexicalRanking, rankByTerms } from "./score-terms.ts";

/** A search by words alone. Errors: `path_unavailable` where words are not indexed; those of reading. */
export async function searchByWords(work: SearchWork): Promise<Found> {
  const { request, plan, snapshot, times } = work;
  const words = questionWords(request.text ?? "");
  const tokens = tokensOfWords(words);
  if (plan.hits === 0) return { hits: [], tokens, cellsRead: 0, candidates: 0, lexical: undefined };
  const lexical = await rankWords(plan.hits, work);
  const ranked = pagesByWords(lexical, snapshot);
  const hits = await times.runAsync("hits", () =>
    request.bare === true ? bareHits(ranked, work) : wordHits(ranked, words, lexical, work),
  );
  return { hits, tokens, cellsRead: 0, candidates: ranked.length, lexical };
}

/** Begins to look for the words of a hybrid search; undefined in one by vectors. Errors: as of {@link searchByWords}. */
export function beginWords(work: SearchWork): Promise<LexicalRanking> | undefined {
  if (work.mode !== "hybrid") return undefined;
  const byWords = rankWords(wordCandidates(work.plan.hits, work.snapshot.holding), work);
  // A search whose vectors fail first does not come to wait for it.
  byWords.catch(() => undefined);
  return byWords;
}

async function rankWords(limit: number, work: SearchWork): Promise<LexicalRanking> {
  const { request, selection, snapshot, session, times, terms: cache } = work;
  const lexicalWork = { snapshot, session, cache, weighting: request.termWeighting };
  return await times.runAsync("lexical", () => rankByTerms(request.text ?? "", selection, limit, lexicalWork));
}
