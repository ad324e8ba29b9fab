/**
 * Matched boxes drawn over a page or its thumbnail.
 *
 * @module
 */
import { element, placeBox } from "./dom.ts";
import { cssColour, heatColour, intensity, scoreRange } from "./heatmap.ts";
import type { ScoreRange } from "./heatmap.ts";
import type { Hit, Match } from "./types.ts";

/** Even the weakest match of a result is drawn, at this strength: it is the token's best on that page. */
const WEAKEST_STRENGTH = 0.35;

/** Scores of every match of `hits`: one scale, so that strength can be compared between results. */
export function matchRange(hits: readonly Hit[]): ScoreRange | undefined {
  return scoreRange(hits.flatMap((hit) => hit.matches.map((match) => match.score)));
}

/** 0…1 for drawing `match`: {@link WEAKEST_STRENGTH} and up. */
export function matchStrength(match: Match, range: ScoreRange | undefined): number {
  const part = range === undefined ? 1 : intensity(match.score, range);
  return WEAKEST_STRENGTH + (1 - WEAKEST_STRENGTH) * part;
}

/** A filled box per place on the page that some token matched best; the strongest match wins where boxes coincide. */
export function highlightBoxes(matches: readonly Match[], range: ScoreRange | undefined): HTMLElement[] {
  const strongest = new Map<string, Match>();
  for (const match of matches) {
    if (match.box === undefined) continue;
    const place = match.box.join();
    const before = strongest.get(place);
    if (before === undefined || match.score > before.score) strongest.set(place, match);
  }
  return [...strongest.values()].map((match) => {
    const box = element("span", { class: "highlight" });
    if (match.box !== undefined) placeBox(box, match.box);
    box.style.backgroundColor = cssColour(heatColour(matchStrength(match, range)));
    return box;
  });
}
