/**
 * What the page shows, as its address says it, so that links can be shared and Back works:
 * `?q=question&index=name&doc=document-id&page=3`.
 *
 * @module
 */

export interface OpenPage {
  document: string;
  /** 1-based. */
  page: number;
}

export interface PageState {
  query: string;
  /** Empty: whichever index the page picks. */
  index: string;
  /** The page in the viewer. */
  open: OpenPage | undefined;
}

/** The state in a query string such as `location.search`. Values that make no sense are left out. */
export function parseState(search: string): PageState {
  const parameters = new URLSearchParams(search);
  return {
    query: (parameters.get("q") ?? "").trim(),
    index: parameters.get("index") ?? "",
    open: parseOpenPage(parameters.get("doc"), parameters.get("page")),
  };
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
