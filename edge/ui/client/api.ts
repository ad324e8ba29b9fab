/**
 * The public API as this page calls it. Failures come back as {@link ApiError}; an aborted request rejects with the
 * browser's `AbortError`.
 *
 * @module
 */
import type { Explanation, IndexChoice, IndexList, Mode, SearchResponse } from "./types.ts";

/** A failure a person can read: the `code` and `detail` of the problem body, or our words for a broken connection. */
export class ApiError extends Error {
  readonly code: string;
  /** HTTP status; 0 when no answer arrived. */
  readonly status: number;

  constructor(code: string, detail: string, status: number) {
    super(detail);
    this.name = "ApiError";
    this.code = code;
    this.status = status;
  }
}

/** What can be searched: indexes, then aliases of them, in the server's order. */
export async function listIndexes(signal: AbortSignal): Promise<IndexChoice[]> {
  const { indexes, aliases } = await request("/v1/indexes", isIndexList, { signal });
  const byName = new Map(indexes.map((index) => [index.name, index]));
  const led = aliases.flatMap(({ name, index }) => {
    const target = byName.get(index);
    return target === undefined ? [] : [{ name, index: target }];
  });
  return [...indexes.map((index) => ({ name: index.name, index })), ...led];
}

export interface SearchOptions {
  /** Hits to return; the server's default when absent. */
  k?: number;
  /** Only pages of this document (id). */
  document?: string;
  /** The server's choice when absent. */
  mode?: Mode;
}

/** Pages of `index` for `query`, best first. */
export async function search(
  index: string,
  query: string,
  options: SearchOptions,
  signal: AbortSignal,
): Promise<SearchResponse> {
  const filter = options.document === undefined ? {} : { filter: { documents: [options.document] } };
  const { k, mode } = options;
  return post(`${indexUrl(index)}/search`, { query, k, mode, ...filter }, isSearchResponse, signal);
}

export interface PageQuestion {
  query: string;
  /** Id. */
  document: string;
  page: number;
  /** By what the page was found. */
  mode: Mode;
}

/** Score of every query token in every box of one page of `index`. */
export async function explain(index: string, question: PageQuestion, signal: AbortSignal): Promise<Explanation> {
  return post(`${indexUrl(index)}/explain`, question, isExplanation, signal);
}

function indexUrl(index: string): string {
  return `/v1/indexes/${encodeURIComponent(index)}`;
}

async function post<T>(
  url: string,
  body: unknown,
  isBody: (answer: unknown) => answer is T,
  signal: AbortSignal,
): Promise<T> {
  const headers = { "content-type": "application/json" };
  return request(url, isBody, { method: "POST", headers, body: JSON.stringify(body), signal });
}

async function request<T>(url: string, isBody: (body: unknown) => body is T, init: RequestInit): Promise<T> {
  const response = await fetch(url, init).catch((error: unknown) => {
    if (isAbort(error)) throw error;
    throw new ApiError("no_answer", "The server did not answer. Is it still running?", 0);
  });
  const body: unknown = await response.json().catch((error: unknown) => {
    if (isAbort(error)) throw error;
    return undefined;
  });
  if (!response.ok) throw problemOf(body, response.status);
  if (isBody(body)) return body;
  throw new ApiError(
    "unexpected_answer",
    `The server's answer to ${url} is not what this page understands.`,
    response.status,
  );
}

// Server and page are deployed together and the server's tests hold its bodies to the schemas, so these only check that
// the body is the one that was asked for: zod would be several times the size of the whole script.

function isIndexList(body: unknown): body is IndexList {
  return hasLists(body, ["indexes", "aliases"]);
}

function isSearchResponse(body: unknown): body is SearchResponse {
  return hasLists(body, ["hits", "tokens"]);
}

function isExplanation(body: unknown): body is Explanation {
  return hasLists(body, ["tokens", "boxes", "words", "scores"]);
}

function hasLists(body: unknown, fields: readonly string[]): boolean {
  return isRecord(body) && fields.every((field) => Array.isArray(body[field]));
}

function problemOf(body: unknown, status: number): ApiError {
  if (isRecord(body) && typeof body.code === "string" && typeof body.detail === "string") {
    return new ApiError(body.code, body.detail, status);
  }
  return new ApiError(`http_${status}`, `The server answered with status ${status} and no explanation.`, status);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** Whether `error` is only a request that a newer one replaced. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** Hands out one signal at a time: taking the next aborts the request that the one before belongs to. */
export class LatestRequest {
  #controller = new AbortController();

  next(): AbortSignal {
    this.cancel();
    this.#controller = new AbortController();
    return this.#controller.signal;
  }

  cancel(): void {
    this.#controller.abort();
  }
}
