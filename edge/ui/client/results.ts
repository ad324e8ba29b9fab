/**
 * The ranked list: one card per page, and how the keyboard moves through it.
 *
 * @module
 */
import { highlightBoxes, matchRange } from "./boxes.ts";
import { asksForNewTab, element } from "./dom.ts";
import { OCR_LABEL, splitName } from "./format.ts";
import type { ScoreRange } from "./heatmap.ts";
import { markWords, matchedWords, tellingMatches } from "./snippet.ts";
import { formatState, parseState } from "./state.ts";
import type { Hit, Match, Mode, SearchResponse } from "./types.ts";

/** Placeholders while the first answer is awaited: about what fits one screen. */
const SKELETON_CARDS = 6;

export interface ResultsHandlers {
  onOpen: (hit: Hit) => void;
  /** The keyboard left the list upwards. */
  onLeave: () => void;
}

/** The list of results inside `list`. */
export class Results {
  readonly #list: HTMLOListElement;
  readonly #handlers: ResultsHandlers;

  constructor(list: HTMLOListElement, handlers: ResultsHandlers) {
    this.#list = list;
    this.#handlers = handlers;
    list.addEventListener("keydown", (event) => this.#move(event));
  }

  show(response: SearchResponse): void {
    const range = matchRange(response.hits);
    const cards = response.hits.map((hit) => this.#card(hit, response, range));
    this.#list.replaceChildren(...cards);
    this.#list.removeAttribute("aria-busy");
  }

  /** Earlier results stay, dimmed, until the new ones come; without any, placeholders stand in. */
  showLoading(): void {
    this.#list.setAttribute("aria-busy", "true");
    if (this.#links().length > 0) return;
    this.#list.replaceChildren(...Array.from({ length: SKELETON_CARDS }, skeletonCard));
  }

  clear(): void {
    this.#list.replaceChildren();
    this.#list.removeAttribute("aria-busy");
  }

  focusFirst(): void {
    this.#links()[0]?.focus();
  }

  /** Moves focus to the card of a page; false if it has none. */
  focusPage(document: string, page: number): boolean {
    const link = this.#links().find((link) => link.dataset.document === document && link.dataset.page === String(page));
    link?.focus();
    return link !== undefined;
  }

  #links(): HTMLAnchorElement[] {
    return [...this.#list.querySelectorAll<HTMLAnchorElement>("a.card")];
  }

  #card(hit: Hit, response: SearchResponse, range: ScoreRange | undefined): HTMLLIElement {
    const matches = tellingMatches(hit.matches, response.tokens);
    const { folder, file } = splitName(hit.document.name);
    const href = formatState({
      query: response.query,
      index: response.index,
      // As it was asked for, if it was.
      mode: parseState(location.search).mode,
      open: { document: hit.document.id, page: hit.page },
    });
    const body = element(
      "div",
      { class: "card-body" },
      element(
        "div",
        { class: "card-head" },
        element("span", { class: "rank" }, String(hit.rank)),
        element("h3", { class: "card-name" }, matches.some(isInName) ? element("mark", {}, file) : file),
      ),
      element(
        "p",
        { class: "card-page" },
        [
          `Page ${hit.page} of ${hit.document.pageCount}`,
          ...(hit.textSource === "ocr" ? [OCR_LABEL] : []),
          ...(folder === "" ? [] : [folder]),
        ].join(" · "),
      ),
      scoreBar(hit, response),
      snippet(hit.snippet, matches),
    );
    const link = element(
      "a",
      {
        class: "card",
        href,
        "data-document": hit.document.id,
        "data-page": hit.page,
        "aria-label": `Result ${hit.rank}: ${hit.document.name}, page ${hit.page}`,
      },
      thumbnail(hit, matches, range),
      body,
    );
    link.addEventListener("click", (event) => {
      if (asksForNewTab(event)) return;
      event.preventDefault();
      this.#handlers.onOpen(hit);
    });
    return element("li", {}, link);
  }

  #move(event: KeyboardEvent): void {
    const links = this.#links();
    const position = links.findIndex((link) => link === document.activeElement);
    if (position === -1 || event.ctrlKey || event.metaKey || event.altKey) return;
    const next = neighbour(position, event.key, columnsOf(links), links.length);
    if (next === undefined) return;
    event.preventDefault();
    if (next === "above") this.#handlers.onLeave();
    else links[next]?.focus();
  }
}

/**
 * Where an arrow key leads from card `position` of a grid filled row by row.
 *
 * @returns a position, `above` for leaving the list at its top, or undefined for other keys and for the ends.
 */
export function neighbour(position: number, key: string, columns: number, count: number): number | "above" | undefined {
  const within = (next: number): number | undefined => (next >= 0 && next < count ? next : undefined);
  if (key === "ArrowRight") return within(position + 1);
  if (key === "ArrowLeft") return within(position - 1);
  if (key === "ArrowDown") return within(position + columns) ?? within(count - 1);
  if (key === "ArrowUp") return within(position - columns) ?? "above";
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  return undefined;
}

/** Cards in the first row, as laid out now. */
function columnsOf(links: readonly HTMLElement[]): number {
  const top = links[0]?.getBoundingClientRect().top;
  return Math.max(1, links.filter((link) => link.getBoundingClientRect().top === top).length);
}

function thumbnail(hit: Hit, matches: readonly Match[], range: ScoreRange | undefined): HTMLElement {
  const image = element("img", { src: hit.thumbnailUrl, alt: "", loading: "lazy", decoding: "async" });
  const frame = element("div", { class: "thumbnail is-loading" }, image, ...highlightBoxes(matches, range));
  frame.style.aspectRatio = `${hit.width} / ${hit.height}`;
  image.addEventListener("load", () => frame.classList.remove("is-loading"));
  image.addEventListener("error", () => {
    frame.classList.add("without-image");
    frame.replaceChildren("No preview");
  });
  return element("div", { class: "thumbnail-cell" }, frame);
}

/** Whether the document's name was what matched best. */
function isInName({ inDocumentName }: Match): boolean {
  return inDocumentName === true;
}

/** A bar from 0 to the best possible score; of words alone, which have no such, to that of the first hit. */
function scoreBar(hit: Hit, { hits, tokens, performance }: SearchResponse): HTMLElement {
  const { score } = hit;
  const byVectors = Math.max(1, tokens.length);
  const best = { late: byVectors, dense: byVectors, lexical: hits[0]?.score ?? 1, hybrid: 1 }[performance.mode];
  const fill = element("span", { class: "bar-fill" });
  fill.style.width = `${Math.min(100, Math.max(0, (score / best) * 100)).toFixed(1)}%`;
  const title = `${score.toFixed(3)} of at most ${Number(best.toFixed(3))}: ${scoreMeaning(hit, performance.mode)}`;
  return element(
    "div",
    { class: "score", title },
    element("span", { class: "bar", "aria-hidden": "true" }, fill),
    element(
      "span",
      { class: "score-number" },
      element("span", { class: "visually-hidden" }, "Score "),
      score.toFixed(2),
    ),
  );
}

/** What the score of a hit was made of. */
export function scoreMeaning({ scores, lengthPenalty }: Pick<Hit, "scores" | "lengthPenalty">, mode: Mode): string {
  const less = lengthPenalty === undefined ? "" : `, less ${lengthPenalty.toFixed(3)} for the page's length`;
  const meanings: Record<Mode, string> = {
    late: `the sum, over the query's tokens, of each one's best match here${less}`,
    dense: "the cosine of the question and the page",
    lexical: "by the question's words (BM25)",
    hybrid: `vectors ${scores?.vectors.toFixed(3)} and words ${scores?.words.toFixed(3)} together`,
  };
  return meanings[mode];
}

function snippet(text: string, matches: readonly Match[]): HTMLElement {
  if (text === "") return element("p", { class: "snippet muted" }, "No text on this page");
  const parts = markWords(text, matchedWords(matches));
  return element(
    "p",
    { class: "snippet" },
    ...parts.map(({ text, marked }) => (marked ? element("mark", {}, text) : text)),
  );
}

function skeletonCard(): HTMLLIElement {
  const lines = ["w60", "w30", "w80", "w100", "w90"].map((width) => element("span", { class: `line ${width}` }));
  return element(
    "li",
    { "aria-hidden": "true" },
    element(
      "div",
      { class: "card skeleton" },
      element("div", { class: "thumbnail-cell" }, element("div", { class: "thumbnail" })),
      element("div", { class: "card-body" }, ...lines),
    ),
  );
}
