/**
 * Requests that the encoder service answers: the worker checks who asks and how large the body is, then streams it there and
 * the answer back.
 *
 * @module
 */
import type { Context } from "hono";
import { MaxleafError, PROBLEM_CONTENT_TYPE, quote } from "../../shared/errors.ts";
import type { EdgeEnv } from "./edge-app.ts";

/** Of requests with a small body: a commit that others compete with, or a listing of all that an index has. Ours. */
const ANSWER_TIMEOUT_MS = 60_000;
/** Of requests with files: 64 MiB at 1 MB/s take a minute. Ours. */
const UPLOAD_TIMEOUT_MS = 5 * 60_000;
/** A body past this is taken for a file. */
const SMALL_BODY_BYTES = 4 * 1024 * 1024;

const PASSED_REQUEST_HEADERS = ["content-type", "accept"];
const PASSED_ANSWER_HEADERS = ["content-type", "location", "retry-after"];
const ANSWER_TYPES: ReadonlySet<string> = new Set(["application/json", PROBLEM_CONTENT_TYPE]);

export interface ForwardTarget {
  /** Base URL of the encoder service. */
  url: string | undefined;
  secret: string | undefined;
  fetch?: ((request: Request) => Promise<Response>) | undefined;
  /** Default: by the size that a body may have. */
  timeoutMs?: number | undefined;
}

/** Sends the request of a context on, its body no longer than `maxBodyBytes`. */
export type Forward = (c: Context<EdgeEnv>, maxBodyBytes: number) => Promise<Response>;

/**
 * A {@link Forward} to the encoder service. Nothing is sent twice: what it does may not be harmless to repeat.
 *
 * Its errors: `body_too_large`, `length_required`, before anything is sent; `encoder_unavailable`, `encoder_timeout`. A problem that the service answers with is passed on as it is.
 */
export function createForward({ url, secret, timeoutMs, ...target }: ForwardTarget): Forward {
  // workerd's fetch refuses another `this`.
  const send = target.fetch ?? ((request: Request) => fetch(request));
  return async (c, maxBodyBytes) => {
    if (url === undefined || url === "" || secret === undefined || secret === "") {
      const message = "this deployment cannot write: ENCODER_URL or ENCODER_SECRET is not set";
      throw new MaxleafError("encoder_unavailable", message);
    }
    const body = bodyOf(c.req.raw, maxBodyBytes);
    const limitMs = timeoutMs ?? (maxBodyBytes > SMALL_BODY_BYTES ? UPLOAD_TIMEOUT_MS : ANSWER_TIMEOUT_MS);
    const signal = AbortSignal.timeout(limitMs);
    const { pathname, search } = new URL(c.req.url);
    const request = new Request(new URL(pathname + search, url), {
      method: c.req.method,
      headers: headersFor(c, secret),
      body,
      // A redirect would carry the secret elsewhere.
      redirect: "manual",
      signal,
    });
    try {
      return answerOf(await send(request));
    } catch (error) {
      if (error instanceof MaxleafError) throw error;
      if (signal.aborted) {
        const message = `the encoder did not answer within ${limitMs / 1_000} s; what was asked may still happen`;
        throw new MaxleafError("encoder_timeout", message, { cause: error });
      }
      throw new MaxleafError("encoder_unavailable", "the encoder cannot be reached", { cause: error });
    }
  };
}

function headersFor(c: Context<EdgeEnv>, secret: string): Headers {
  const headers = new Headers({ authorization: `Bearer ${secret}`, "x-request-id": c.get("requestId") });
  for (const name of PASSED_REQUEST_HEADERS) {
    const value = c.req.header(name);
    if (value !== undefined) headers.set(name, value);
  }
  return headers;
}

/**
 * The body of `request` under the length that it announces. What announces none is refused: workerd ends such a body as if it
 * were whole when its sender goes away (seen when a stream failed after 64 MiB), and half a file would be taken for one.
 *
 * Errors: `body_too_large`, `length_required`, `invalid_request` for a length that is none.
 */
function bodyOf(request: Request, maxBytes: number): ReadableStream | null {
  const announced = request.headers.get("content-length");
  if (request.body === null) return null;
  if (announced === null) {
    throw new MaxleafError("length_required", "the request must say how long its body is (Content-Length)");
  }
  const bytes = Number(announced);
  if (!Number.isSafeInteger(bytes) || bytes < 0) {
    throw new MaxleafError("invalid_request", `${quote(announced)} is no length of a body`);
  }
  if (bytes > maxBytes) throw new MaxleafError("body_too_large", `the body is larger than ${maxBytes} bytes`);
  return request.body.pipeThrough(new FixedLengthStream(bytes));
}

/** What the service answered, for the caller. Errors: `encoder_unavailable` for what is none of its answers. */
function answerOf(response: Response): Response {
  const { status, body } = response;
  const type = response.headers.get("content-type")?.split(";")[0]?.trim() ?? "";
  const isAnswer = status === 204 || (ANSWER_TYPES.has(type) && (status < 300 || status >= 400));
  if (status === 401 || !isAnswer) {
    const why = status === 401 ? "refuses this worker's ENCODER_SECRET" : `answered with status ${status}`;
    throw new MaxleafError("encoder_unavailable", `the encoder ${why}`);
  }
  const headers = new Headers({ "cache-control": "no-store" });
  for (const name of PASSED_ANSWER_HEADERS) {
    const value = response.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  return new Response(body, { status, headers });
}
