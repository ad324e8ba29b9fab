/**
 * Matched boxes drawn over a page or its thumbnail.
 *
 * @module
 */
import { element, placeBox } from "./dom.ts";
import { cssColour, heatColour, intensity, scoreRange } from "./heatmap.ts";
import type { ScoreRange } from "./heatmap.ts";
import type { Box, Hit, Match } from "./types.ts";

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
  return strongestPerPlace(matches).map(({ match, box }) => {
    const highlight = element("span", { class: "highlight" });
    placeBox(highlight, box);
    highlight.style.backgroundColor = cssColour(heatColour(matchStrength(match, range)));
    return highlight;
  });
}

/** An outline per place on the page that some token matched best: the weaker the match, the fainter. */
export function outlineBoxes(matches: readonly Match[], range: ScoreRange | undefined): HTMLElement[] {
  return strongestPerPlace(matches).map(({ match, box }) => {
    const outline = element("span", { class: "outline", title: match.text });
    placeBox(outline, box);
    outline.style.opacity = matchStrength(match, range).toFixed(2);
    return outline;
  });
}

function strongestPerPlace(matches: readonly Match[]): { match: Match; box: Box }[] {
  const strongest = new Map<string, { match: Match; box: Box }>();
  for (const match of matches) {
    const { box } = match;
    if (box === undefined) continue;
    const before = strongest.get(box.join());
    if (before === undefined || match.score > before.match.score) strongest.set(box.join(), { match, box });
  }
  return [...strongest.values()];
}
