/**
 * By what a search ranks pages: the index's vectors, the words of the question, or both.
 *
 * @module
 */
import { MaxleafError, quote } from "../../errors.ts";
import type { Manifest } from "../../format/manifest.ts";
import type { Recipe } from "../../recipe/recipe.ts";
import type { SearchMode, SearchRequest } from "../contract.ts";
import { MIN_PRUNED_CANDIDATES } from "../plan.ts";
import type { Holding } from "../planner/holding.ts";
import type { IndexSnapshot } from "../snapshot.ts";
import type { FusionSettings } from "./fusion.ts";
import { hasLexical } from "./lexical-groups.ts";

/** Pages by words that a hybrid search adds to those found by vectors, at least; */
export const MIN_WORD_CANDIDATES = 50;
/** where lists are read for every query, as many as by vectors: every page is a read. */
const MIN_PRUNED_WORD_CANDIDATES = MIN_PRUNED_CANDIDATES;

/** How many pages by words a hybrid search for `hits` pages ranks. */
export function wordCandidates(hits: number, holding: Holding): number {
  return Math.max(hits, holding === "heads" ? MIN_PRUNED_WORD_CANDIDATES : MIN_WORD_CANDIDATES);
}

/** What measured best over the sets of docs/evaluation.md, "Modes": of `minilm-words` and `minilm-dense`, others by analogy. */
const FUSION: Record<Recipe["interaction"], FusionSettings> = {
  late: { method: "weighted", wordWeight: 0.2 },
  dense: { method: "weighted", wordWeight: 0.4 },
};

/** How vectors and words are fused in an index with this recipe. */
export function fusionFor({ interaction }: Pick<Recipe, "interaction">): FusionSettings {
  return FUSION[interaction];
}

/**
 * The mode of requests that name none: what measured best on average over the sets of docs/evaluation.md, which is `hybrid` for
 * vectors of text. With those of pictures nothing was measured: they rank alone. So do vectors without a text, in an index whose words are not indexed, and in one of which only heads are held: there every first
 * question of an isolate would read two to four bytes a page more, 3 MB of a million pages.
 */
export function usualMode(snapshot: IndexSnapshot, text: string | undefined): SearchMode {
  const { recipe } = snapshot.manifest;
  const canFuse = text !== undefined && snapshot.holding !== "heads" && hasLexical(snapshot);
  return canFuse ? modeWithWords(recipe) : vectorMode(recipe);
}

/** The usual mode where words are indexed, and near. */
export function modeWithWords(recipe: Pick<Recipe, "interaction" | "geometry">): SearchMode {
  return recipe.geometry === "grid" ? vectorMode(recipe) : "hybrid";
}

/** The mode that ranks by the vectors of an index alone. */
export function vectorMode({ interaction }: Pick<Recipe, "interaction">): "late" | "dense" {
  return interaction === "dense" ? "dense" : "late";
}

/**
 * The mode of `request`.
 *
 * Errors: `invalid_request` for `late` where the recipe is dense and the other way round, and for modes by words without a text.
 */
export function modeOf(
  request: Pick<SearchRequest, "mode" | "text">,
  { recipe, index }: Pick<Manifest, "recipe" | "index">,
  usual: SearchMode,
): SearchMode {
  const { mode = usual, text } = request;
  const own = vectorMode(recipe);
  if ((mode === "late" || mode === "dense") && mode !== own) {
    throw new MaxleafError(
      "invalid_request",
      `index ${quote(index)} was made by the recipe ${recipe.name}, which has ${own} vectors: mode ${quote(mode)} cannot search it; ask for ${quote(own)}, "lexical" or "hybrid"`,
    );
  }
  if (mode !== own && text === undefined) {
    throw new MaxleafError("invalid_request", `mode ${quote(mode)} needs the question's text, not only its vectors`);
  }
  return mode;
}
