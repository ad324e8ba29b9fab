/**
 * Requests to a vLLM server: time limits, retries, and errors by their kind.
 *
 * @module
 */
import pRetry from "p-retry";
import { MaxleafError, quote } from "../../../shared/errors.ts";
import { errorMessage } from "./protocol.ts";

export interface HttpOptions {
  /** Of the server, without a path: `http://gpu:8000`. */
  baseUrl: string;
  apiKey: string | undefined;
  /** For one try, the server's queue included. */
  timeoutMs: number;
  retries: number;
  /** Before the first retry; doubles, up to {@link MAX_RETRY_DELAY_MS}, and is stretched by chance. */
  retryDelayMs: number;
}

export interface HttpAnswer {
  body: Buffer;
  headers: Headers;
}

const MAX_RETRY_DELAY_MS = 10_000;
/** An answer of 32 texts of 8,192 tokens × 128 as JSON numbers is 360 MB; more was not asked for. */
const MAX_ANSWER_BYTES = 512 * 1024 * 1024;

const TOO_MANY_REQUESTS = 429;
const SERVICE_UNAVAILABLE = 503;
const NOT_IMPLEMENTED = 501;

/**
 * Sends a request and reads the answer. Errors: `overloaded` (429, 503) and `encoder_unavailable` (other 5xx, no connection, a
 * connection that broke off), both after the retries; `encoder_timeout`, at once, since a server that is too slow is not helped by
 * another request; `model_unavailable` for anything else that is not success, with `details.status`.
 */
export async function request(options: HttpOptions, path: string, body?: unknown): Promise<HttpAnswer> {
  return await pRetry(() => attempt(options, path, body), {
    retries: options.retries,
    minTimeout: options.retryDelayMs,
    maxTimeout: MAX_RETRY_DELAY_MS,
    randomize: true,
    shouldRetry: ({ error }) =>
      error instanceof MaxleafError && (error.code === "overloaded" || error.code === "encoder_unavailable"),
  });
}

async function attempt(options: HttpOptions, path: string, body: unknown): Promise<HttpAnswer> {
  const url = options.baseUrl + path;
  const key = options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` };
  const content = body === undefined ? {} : { "content-type": "application/json" };
  try {
    const response = await fetch(url, {
      method: body === undefined ? "GET" : "POST",
      headers: { ...key, ...content },
      signal: AbortSignal.timeout(options.timeoutMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const bytes = await readLimited(url, response);
    if (response.ok) return { body: bytes, headers: response.headers };
    throw refusal(url, response.status, bytes.toString("utf8"));
  } catch (error) {
    throw asMaxleafError(url, options.timeoutMs, error);
  }
}

async function readLimited(url: string, response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) {
      throw new MaxleafError("model_unavailable", `${url} answers with more than ${MAX_ANSWER_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function refusal(url: string, status: number, body: string): MaxleafError {
  const said = errorMessage(body) ?? quote(body);
  const details = { status };
  const sentence = `vLLM at ${url} answered ${status}: ${said}`;
  if (status === TOO_MANY_REQUESTS || status === SERVICE_UNAVAILABLE) {
    return new MaxleafError("overloaded", sentence, { details });
  }
  if (status >= 500 && status !== NOT_IMPLEMENTED)
    return new MaxleafError("encoder_unavailable", sentence, { details });
  return new MaxleafError("model_unavailable", sentence, { details });
}

function asMaxleafError(url: string, timeoutMs: number, error: unknown): MaxleafError {
  if (error instanceof MaxleafError) return error;
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return new MaxleafError("encoder_timeout", `vLLM at ${url} did not answer within ${timeoutMs} ms`, {
      cause: error,
    });
  }
  const reason = error instanceof Error ? (causeOf(error) ?? error.message) : String(error);
  return new MaxleafError("encoder_unavailable", `vLLM at ${url} cannot be reached: ${reason}`, { cause: error });
}

/** `fetch failed` says nothing; its cause does. */
function causeOf(error: Error): string | undefined {
  return error.cause instanceof Error ? error.cause.message : undefined;
}
