/**
 * What the page shows, as its address says it, so that links can be shared and Back works:
 * `?q=question&index=name&mode=lexical&doc=document-id&page=3`.
 *
 * @module
 */

import type { Mode } from "./types.ts";

const MODES: readonly Mode[] = ["late", "dense", "lexical", "hybrid"];

export interface OpenPage {
  document: string;
  /** 1-based. */
  page: number;
}

export interface PageState {
  query: string;
  /** Empty: whichever index the page picks. */
  index: string;
  /** By what pages are ranked; empty: as the index's recipe has it. */
  mode: Mode | "";
  /** The page in the viewer. */
  open: OpenPage | undefined;
}

/** The state in a query string such as `location.search`. Values that make no sense are left out. */
export function parseState(search: string): PageState {
  const parameters = new URLSearchParams(search);
  return {
    query: (parameters.get("q") ?? "").trim(),
    index: parameters.get("index") ?? "",
    mode: parseMode(parameters.get("mode")),
    open: parseOpenPage(parameters.get("doc"), parameters.get("page")),
  };
}

function parseMode(mode: string | null): PageState["mode"] {
  return mode !== null && isMode(mode) ? mode : "";
}

export function isMode(text: string): text is Mode {
  return MODES.some((mode) => mode === text);
}

function parseOpenPage(document: string | null, page: string | null): OpenPage | undefined {
  if (document === null || document === "" || page === null || !/^[1-9]\d{0,8}$/.test(page)) return undefined;
  return { document, page: Number(page) };
}

/** The query string of `state`: the reverse of {@link parseState}; empty for the start page. */
export function formatState(state: PageState): string {
  const parameters = new URLSearchParams();
  if (state.query !== "") parameters.set("q", state.query);
  if (state.index !== "") parameters.set("index", state.index);
  if (state.mode !== "") parameters.set("mode", state.mode);
  if (state.open !== undefined) {
    parameters.set("doc", state.open.document);
    parameters.set("page", String(state.open.page));
  }
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

export function samePage(left: OpenPage | undefined, right: OpenPage | undefined): boolean {
  return left?.document === right?.document && left?.page === right?.page;
}
