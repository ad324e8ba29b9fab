/**
 * The panel beside a page: a toggle for every token of the question, with the word it matched best and how well.
 *
 * @module
 */
import { ApiError } from "./api.ts";
import { element, need } from "./dom.ts";
import { bestBox, scoreRange } from "./heatmap.ts";
import type { ScoreRange } from "./heatmap.ts";
import type { Explanation, Match, QueryToken } from "./types.ts";

/** In place of the word that matched, where it stands in the document's name. */
const NAME_LABEL = "file name";

/** Tokens that are drawn. Augmentation tokens cover no character: they score, but there is nothing to call them. */
export function namedTokens(tokens: readonly QueryToken[]): number[] {
  return [...tokens.keys()].filter((position) => {
    const token = tokens[position];
    return token !== undefined && token.end > token.start;
  });
}

/**
 * The scores that the colours span: those of tokens that can be drawn. Augmentation tokens would stretch it: they match a
 * blank cell at up to 0.99.
 */
export function drawnRange({ tokens, scores }: Pick<Explanation, "tokens" | "scores">): ScoreRange | undefined {
  return scoreRange(namedTokens(tokens).flatMap((token) => scores[token] ?? []));
}

/**
 * The selection after a click on `token`. The first click out of "all" looks at that token alone, further ones add and
 * take away, and taking the last one away is "all" again.
 */
export function toggleToken(selected: ReadonlySet<number>, token: number, all: readonly number[]): Set<number> {
  if (selected.size === all.length && all.length > 1) return new Set([token]);
  const next = new Set(selected);
  if (!next.delete(token)) next.add(token);
  return next.size === 0 ? new Set(all) : next;
}

/**
 * What `token` matched best on the page or, by the hit's `matches`, in its document's name. Where it has no vectors: no text, no score.
 */
export function bestMatch(
  { scores, words }: Pick<Explanation, "scores" | "words">,
  token: number,
  matches: readonly Match[],
): { text: string; score: number | undefined } {
  const named = matches.find((match) => match.token === token && match.inDocumentName === true);
  if (named !== undefined) return { text: NAME_LABEL, score: named.score };
  const row = scores[token] ?? [];
  const box = bestBox(row);
  if (box === undefined) return { text: "", score: undefined };
  return { text: words[box] ?? "", score: row[box] ?? undefined };
}

/** How a word piece is written for people: without the marker that it continues a word. */
export function tokenLabel(token: QueryToken): string {
  return token.text.replace(/^##/, "");
}

/** Whether token `position` is a later piece of the word that the token before it began. */
export function continuesWord(tokens: readonly QueryToken[], position: number): boolean {
  const [before, token] = [tokens[position - 1], tokens[position]];
  if (before === undefined || token === undefined || before.end !== token.start) return false;
  return /^[\p{L}\p{N}]/u.test(tokenLabel(token));
}

export class EvidencePanel {
  readonly #tokens: HTMLElement;
  readonly #legend: HTMLElement;
  readonly #message: HTMLElement;
  readonly #onChange: () => void;
  #all: number[] = [];
  #selected: Set<number> = new Set();
  #allButton: HTMLButtonElement | undefined;
  #buttons = new Map<number, HTMLButtonElement>();

  constructor(root: HTMLElement, onChange: () => void) {
    this.#tokens = need(".tokens", HTMLElement, root);
    this.#legend = need(".legend", HTMLElement, root);
    this.#message = need(".evidence-message", HTMLElement, root);
    this.#onChange = onChange;
  }

  get selected(): ReadonlySet<number> {
    return this.#selected;
  }

  /** Forgets the selection: another question has other tokens. */
  reset(tokens: readonly QueryToken[]): void {
    this.#all = namedTokens(tokens);
    this.#selected = new Set(this.#all);
  }

  showLoading(): void {
    this.#message.replaceChildren("Comparing the question with this page…");
    this.#tokens.classList.add("is-loading");
  }

  showError(error: unknown, onRetry: () => void): void {
    const detail = error instanceof Error ? error.message : String(error);
    const code = error instanceof ApiError ? ` (${error.code})` : "";
    const retry = element("button", { type: "button", class: "link-button" }, "Try again");
    retry.addEventListener("click", onRetry);
    this.#message.replaceChildren(`No heat map: ${detail}${code} `, retry);
    this.#tokens.replaceChildren();
    this.#legend.hidden = true;
  }

  /** Returns the range that the heat map's colours span. `matches` are the hit's. */
  show(explanation: Explanation, matches: readonly Match[]): ScoreRange | undefined {
    const range = drawnRange(explanation);
    this.#message.replaceChildren(range === undefined ? "This page has no vectors, so nothing on it can match." : "");
    this.#showLegend(range);
    const hadFocus = this.#tokens.contains(document.activeElement);
    this.#tokens.classList.remove("is-loading");
    const toggles = this.#all.map((token) => this.#tokenToggle(token, explanation, matches));
    this.#tokens.replaceChildren(this.#allToggle(), ...toggles);
    this.#showPressed();
    if (hadFocus) this.#allButton?.focus();
    return range;
  }

  #showLegend(range: ScoreRange | undefined): void {
    this.#legend.hidden = range === undefined;
    if (range === undefined) return;
    need(".legend-min", HTMLElement, this.#legend).textContent = range.min.toFixed(2);
    need(".legend-max", HTMLElement, this.#legend).textContent = range.max.toFixed(2);
  }

  #allToggle(): HTMLElement {
    const button = element("button", { type: "button", class: "token token-all" }, "All words");
    button.addEventListener("click", () => this.#select(new Set(this.#all)));
    this.#allButton = button;
    return element("li", {}, button);
  }

  #tokenToggle(token: number, explanation: Explanation, matches: readonly Match[]): HTMLElement {
    const queryToken = explanation.tokens[token];
    const { text, score } = bestMatch(explanation, token, matches);
    const continues = continuesWord(explanation.tokens, token);
    const button = element(
      "button",
      { type: "button", class: continues ? "token continues" : "token", "data-token": token },
      element("span", { class: "token-text" }, queryToken === undefined ? "?" : tokenLabel(queryToken)),
      element("span", { class: "token-match" }, text),
      element("span", { class: "token-score" }, score === undefined ? "–" : score.toFixed(2)),
    );
    button.addEventListener("click", () => this.#select(toggleToken(this.#selected, token, this.#all)));
    this.#buttons.set(token, button);
    return element("li", {}, button);
  }

  #select(selected: Set<number>): void {
    this.#selected = selected;
    this.#showPressed();
    this.#onChange();
  }

  #showPressed(): void {
    const everything = this.#selected.size === this.#all.length;
    this.#allButton?.setAttribute("aria-pressed", String(everything));
    for (const [token, button] of this.#buttons) {
      button.setAttribute("aria-pressed", String(!everything && this.#selected.has(token)));
    }
  }
}
