/**
 * One order of the pages of all shards.
 *
 * @module
 */
import type { PageHit, PartPage } from "../../shared/engine/contract.ts";
import { fuse } from "../../shared/engine/lexical/fusion.ts";
import { fusionFor } from "../../shared/engine/lexical/mode.ts";
import { comesBefore } from "../../shared/engine/top-k.ts";
import type { Recipe } from "../../shared/recipe/recipe.ts";

/** Positions in a shard are below this: a page count has 32 bits. */
const POSITIONS_PER_SHARD = 2 ** 32;

/** The pages that one shard ranks. */
export interface ShardRanking {
  shard: number;
  pages: readonly PartPage[];
}

/** A page of a shard by its fused score. */
export interface FusedPage {
  shard: number;
  page: PartPage;
  score: number;
}

/**
 * The `k` best pages of all shards by fused scores, as one isolate that ranked them all would order them: equal scores by the
 * manifest's order of segments.
 */
export function fuseRankings(
  rankings: readonly ShardRanking[],
  recipe: Pick<Recipe, "interaction">,
  k: number,
): FusedPage[] {
  const pages = rankings.flatMap(({ shard, pages: ranked }) =>
    ranked.map((page) => ({ shard, page, position: shard * POSITIONS_PER_SHARD + page.position })),
  );
  const scores = fuse(
    pages.map(({ position, page: { vectorScore, wordScore } }) => ({ position, vectorScore, wordScore })),
    fusionFor(recipe),
  );
  return pages
    .map((page, i) => ({ ...page, score: scores[i] ?? 0 }))
    .toSorted((a, b) => (comesBefore(a.score, a.position, b.score, b.position) ? -1 : 1))
    .slice(0, k)
    .map(({ shard, page, score }) => ({ shard, page, score }));
}

/** The hits of `best`, which `shown` has by shard in the same order, with their scores; without those of shards that failed. */
export function withFusedScores(best: readonly FusedPage[], shown: ReadonlyMap<number, readonly PageHit[]>): PageHit[] {
  const next = new Map<number, number>();
  return best.flatMap(({ shard, page, score }): PageHit[] => {
    const place = next.get(shard) ?? 0;
    next.set(shard, place + 1);
    const hit = shown.get(shard)?.[place];
    if (hit === undefined) return [];
    return [{ ...hit, score, scores: { vectors: page.vectorScore, words: page.wordScore } }];
  });
}

/** The `k` best of the hits of all shards. Equal scores are ordered as one isolate would: by the manifest's order of segments. */
export function bestOfAll(hits: readonly (readonly PageHit[])[], k: number): PageHit[] {
  // A stable sort: within a shard, and among shards, what comes first stays first.
  return hits
    .flat()
    .toSorted((a, b) => b.score - a.score)
    .slice(0, k);
}
