/**
 * What the runner of tasks reaches the outside with. The encoder service gives both, with its list of allowed addresses:
 * neither may reach private ones unless that is allowed.
 *
 * @module
 */

/**
 * Writes what `url` gives to the file at `path`, which is not there yet, within the size and time limits of sources.
 *
 * Errors: `url_not_allowed`; `fetch_failed` for whatever the other side does; `file_too_large`. When `signal` is aborted it
 * rejects with anything.
 */
export type FetchDocument = (url: string, path: string, signal: AbortSignal) => Promise<void>;

export interface WebhookRequest {
  headers: Readonly<Record<string, string>>;
  body: string;
  /** Of the whole request. */
  signal: AbortSignal;
}

/**
 * POSTs to `url` and gives the answer's status; its body is not read, redirects are not followed.
 *
 * Errors: `url_not_allowed`; `fetch_failed` when no answer came.
 */
export type PostWebhook = (url: string, request: WebhookRequest) => Promise<{ status: number }>;
