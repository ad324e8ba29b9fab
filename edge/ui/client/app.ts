/**
 * The search page: keeps the address, the search and the viewer in step.
 *
 * @module
 */
import { ApiError, isAbort, LatestRequest, listIndexes, search } from "./api.ts";
import { need } from "./dom.ts";
import { SAMPLES_INDEX } from "./examples.ts";
import { SearchView } from "./search-view.ts";
import { formatState, parseState, samePage } from "./state.ts";
import type { OpenPage, PageState } from "./state.ts";
import type { Hit, Index, IndexChoice, SearchResponse } from "./types.ts";
import { Viewer } from "./viewer.ts";

/** Hits of one document that are looked through for a page that a link names: the most that the API gives. */
const LINKED_PAGE_HITS = 1_000;

/** Marks history entries that this page pushed for the viewer, so that closing it can go back instead of piling up. */
const VIEWER_ENTRY = { viewer: true };

class App {
  readonly #view = new SearchView({
    onSearch: (query) => this.#go({ ...this.#state, query: query.trim(), open: undefined }),
    // Another index may have another recipe, which suits another mode.
    onPickIndex: (index) => this.#go({ ...this.#state, index, mode: "", open: undefined }),
    onPickMode: (mode) => this.#go({ ...this.#state, mode, open: undefined }),
    onOpen: (hit) => this.#go({ ...this.#state, open: openPageOf(hit) }),
  });
  readonly #viewer = new Viewer(need("#viewer", HTMLDialogElement), {
    onMove: (hit) => this.#moveTo(hit),
    onClosed: (hit) => this.#viewerClosed(hit),
  });
  readonly #request = new LatestRequest();
  #state: PageState = parseState(location.search);
  #choices: IndexChoice[] = [];
  #response: SearchResponse | undefined;

  constructor() {
    addEventListener("popstate", () => void this.#apply(this.#completed(parseState(location.search))));
  }

  async start(): Promise<void> {
    try {
      this.#choices = await listIndexes(this.#request.next());
    } catch (error) {
      if (!isAbort(error)) this.#view.showError(error, () => void this.start());
      return;
    }
    if (this.#choices.length === 0) {
      this.#view.setIndexes([], "");
      this.#view.showNoIndex(() => void this.start());
      return;
    }
    await this.#apply(this.#completed(this.#state));
  }

  /** A state without an index gets the samples, or the first there is. */
  #completed(state: PageState): PageState {
    if (state.index !== "") return state;
    const preferred = this.#choices.find(({ name }) => name === SAMPLES_INDEX) ?? this.#choices[0];
    return { ...state, index: preferred?.name ?? "" };
  }

  /** What answers by `name`, if that is known. */
  #indexOf(name: string): Index | undefined {
    return this.#choices.find((choice) => choice.name === name)?.index;
  }

  /** Shows `state` under a new address. Asking the same question again repeats the search under the old one. */
  #go(state: PageState): void {
    const target = formatState(state);
    if (target === location.search) this.#response = undefined;
    else
      history.pushState(state.open === undefined ? null : VIEWER_ENTRY, "", target === "" ? location.pathname : target);
    void this.#apply(state);
  }

  async #apply(state: PageState): Promise<void> {
    const before = this.#state;
    this.#state = state;
    this.#view.setIndexes(this.#choices, state.index);
    this.#view.setModes(this.#indexOf(state.index), state.mode);
    this.#view.setForm(state.query, state.index);
    const isSame = before.query === state.query && before.index === state.index && before.mode === state.mode;
    if (!isSame || this.#response === undefined) await this.#search(state);
    if (this.#state === state) await this.#syncViewer(state);
  }

  async #search({ query, index, mode }: PageState): Promise<void> {
    const signal = this.#request.next();
    this.#response = undefined;
    if (index === "") {
      await this.start();
      return;
    }
    if (query === "") {
      this.#view.showStart(this.#indexOf(index));
      return;
    }
    this.#view.showLoading();
    try {
      const response = await search(index, query, mode === "" ? {} : { mode }, signal);
      this.#response = response;
      this.#view.showResponse(response);
    } catch (error) {
      if (!isAbort(error)) this.#view.showError(error, () => void this.#apply(this.#state));
    }
  }

  async #syncViewer({ open }: PageState): Promise<void> {
    const response = this.#response;
    if (open === undefined || response === undefined) {
      this.#viewer.close();
      return;
    }
    const shown = this.#viewer.hit;
    if (shown !== undefined && samePage(openPageOf(shown), open)) return;
    const hit = response.hits.find((candidate) => samePage(openPageOf(candidate), open));
    if (hit === undefined) await this.#openLinkedPage(response, open);
    else this.#viewer.show(response, hit);
  }

  /** A link may name a page that is not among the hits: ask for the hits of its document alone. */
  async #openLinkedPage(response: SearchResponse, open: OpenPage): Promise<void> {
    try {
      const options = { k: LINKED_PAGE_HITS, document: open.document };
      const { hits } = await search(response.index, response.query, options, this.#request.next());
      const hit = hits.find((candidate) => samePage(openPageOf(candidate), open));
      if (hit === undefined) {
        throw new ApiError(
          "page_not_found",
          `Page ${open.page} of the linked document is not in this index, or has no text.`,
          404,
        );
      }
      this.#viewer.show(response, hit);
    } catch (error) {
      if (!isAbort(error)) this.#view.showError(error, () => this.#showResultsOnly());
    }
  }

  /** After a link to a page that does not exist: its question's results, without the page. */
  #showResultsOnly(): void {
    this.#response = undefined;
    this.#go({ ...this.#state, open: undefined });
  }

  #moveTo(hit: Hit): void {
    this.#state = { ...this.#state, open: openPageOf(hit) };
    history.replaceState(history.state, "", formatState(this.#state));
  }

  #viewerClosed(hit: Hit): void {
    this.#view.results.focusPage(hit.document.id, hit.page);
    // Back and Forward closed it: the address is right already.
    if (this.#state.open === undefined) return;
    this.#state = { ...this.#state, open: undefined };
    if (isViewerEntry(history.state)) history.back();
    else history.replaceState(null, "", formatState(this.#state));
  }
}

function isViewerEntry(state: unknown): boolean {
  return typeof state === "object" && state !== null && "viewer" in state;
}

function openPageOf(hit: Hit): OpenPage {
  return { document: hit.document.id, page: hit.page };
}

await new App().start();
