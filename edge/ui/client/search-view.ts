/**
 * The search page around the results: the question, the index picker, the status line, and whatever stands in for
 * results.
 *
 * @module
 */
import { isTyping, element, need } from "./dom.ts";
import { formatQuantity } from "./format.ts";
import { errorNotice, noHitsNotice, noIndexNotice, partialNotice, startNotice } from "./notices.ts";
import { Results } from "./results.ts";
import { isMode } from "./state.ts";
import { MODE_NAMES, timingDetails, timingLine } from "./timings.ts";
import type { Hit, Index, IndexChoice, Mode, SearchResponse } from "./types.ts";

export interface SearchViewHandlers {
  onSearch: (query: string) => void;
  onPickIndex: (index: string) => void;
  onPickMode: (mode: Mode | "") => void;
  onOpen: (hit: Hit) => void;
}

export class SearchView {
  readonly results: Results;
  readonly #handlers: SearchViewHandlers;
  readonly #query = need("#query", HTMLInputElement);
  readonly #picker = need("#index", HTMLSelectElement);
  readonly #modes = need("#mode", HTMLSelectElement);
  readonly #status = need("#status", HTMLElement);
  readonly #details = need("#timings", HTMLElement);
  readonly #notice = need("#notice", HTMLElement);

  constructor(handlers: SearchViewHandlers) {
    this.#handlers = handlers;
    this.results = new Results(need("#results", HTMLOListElement), {
      onOpen: handlers.onOpen,
      onLeave: () => this.focusQuery(),
    });
    need("#search", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      // The keyboard of a touch screen would cover the results.
      if (matchMedia("(pointer: coarse)").matches) this.#query.blur();
      handlers.onSearch(this.#query.value);
    });
    this.#picker.addEventListener("change", () => handlers.onPickIndex(this.#picker.value));
    this.#modes.addEventListener("change", () => handlers.onPickMode(this.#pickedMode()));
    this.#query.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowDown") return;
      event.preventDefault();
      this.results.focusFirst();
    });
    document.addEventListener("keydown", (event) => this.#focusOnSlash(event));
  }

  focusQuery(): void {
    this.#query.focus();
    this.#query.select();
  }

  /** Makes the form say what is shown. */
  setForm(query: string, index: string): void {
    this.#query.value = query;
    this.#picker.value = index;
    document.title = query === "" ? "Maxleaf" : `${query} – Maxleaf`;
  }

  setIndexes(choices: readonly IndexChoice[], selected: string): void {
    const known = choices.some(({ name }) => name === selected);
    const options = choices.map(({ name, index }) => {
      const led = name === index.name ? name : `${name} → ${index.name}`;
      return element("option", { value: name }, `${led} · ${formatQuantity(index.pages, "page")}`);
    });
    if (!known && selected !== "") options.unshift(element("option", { value: selected }, selected));
    this.#picker.replaceChildren(...options);
    this.#picker.value = selected;
    need(".picker", HTMLElement).hidden = options.length === 0;
  }

  /** Offers what `index` can be ranked by. */
  setModes(index: Index | undefined, selected: Mode | ""): void {
    const modes = index?.modes ?? [];
    const options = modes.map((mode) => element("option", { value: mode }, MODE_NAMES[mode]));
    this.#modes.replaceChildren(element("option", { value: "" }, "what suits the index"), ...options);
    this.#modes.value = modes.some((mode) => mode === selected) ? selected : "";
  }

  showStart(index: Index | undefined): void {
    this.#show("start", [], index === undefined ? [] : [startNotice(index, this.#handlers.onSearch)]);
    this.results.clear();
  }

  showNoIndex(onRetry: () => void): void {
    this.#show("start", [], [noIndexNotice(onRetry)]);
    this.results.clear();
  }

  showLoading(): void {
    this.#show("results", ["Searching…"], []);
    this.results.showLoading();
  }

  showResponse(response: SearchResponse): void {
    this.#show("results", timingLine(response), [
      ...(response.partial === undefined ? [] : [partialNotice(response.partial)]),
      ...(response.hits.length === 0 ? [noHitsNotice(response)] : []),
    ]);
    this.#details.replaceChildren(timingDetails(response));
    this.results.show(response);
  }

  showError(error: unknown, onRetry: () => void): void {
    this.#show("results", [], [errorNotice(error, onRetry)]);
    this.results.clear();
  }

  #pickedMode(): Mode | "" {
    const { value } = this.#modes;
    return isMode(value) ? value : "";
  }

  #show(layout: "start" | "results", status: (Node | string)[], notices: HTMLElement[]): void {
    document.body.dataset.layout = layout;
    this.#status.replaceChildren(...status);
    this.#details.replaceChildren();
    this.#notice.replaceChildren(...notices);
  }

  #focusOnSlash(event: KeyboardEvent): void {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]") !== null) return;
    event.preventDefault();
    this.focusQuery();
  }
}
