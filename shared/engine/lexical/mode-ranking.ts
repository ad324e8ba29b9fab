/**
 * Ranks pages by the words of a question, alone or fused with what the vectors say.
 *
 * @module
 */
import { type RankedPage, unranked } from "../rerank.ts";
import type { IndexSnapshot } from "../snapshot.ts";
import { comesBefore } from "../top-k.ts";
import { fuse, type FusionSettings } from "./fusion.ts";
import type { LexicalRanking } from "./score-terms.ts";

/** The pages that `lexical` found, in its order and with its scores. */
export function pagesByWords(lexical: LexicalRanking, snapshot: IndexSnapshot): RankedPage[] {
  const positions = lexical.pages.map(({ position }) => position);
  return unranked(positions, snapshot).map((page, i) => ({ ...page, score: lexical.pages[i]?.score ?? 0 }));
}

/** `pages`, which have scores by vectors, in the order of both, with both scores. */
export function fusePages(
  pages: readonly RankedPage[],
  lexical: LexicalRanking,
  settings: FusionSettings,
): RankedPage[] {
  const scores = pages.map(({ score, position }) => ({ vectors: score, words: lexical.scoreOf(position) }));
  const fused = fuse(
    pages.map(({ position }, i) => ({
      position,
      vectorScore: scores[i]?.vectors ?? 0,
      wordScore: scores[i]?.words ?? 0,
    })),
    settings,
  );
  return pages
    .map((page, i) => ({ ...page, score: fused[i] ?? 0, scores: scores[i] }))
    .toSorted((a, b) => (comesBefore(a.score, a.position, b.score, b.position) ? -1 : 1));
}

/** `positions`, then those that only `lexical` found. */
export function withPagesByWords(positions: readonly number[], lexical: LexicalRanking | undefined): number[] {
  if (lexical === undefined) return [...positions];
  return [...new Set([...positions, ...lexical.pages.map(({ position }) => position)])];
}
