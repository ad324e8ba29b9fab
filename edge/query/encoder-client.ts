/**
 * The encoder service over HTTP (contract: shared/api/encode.ts). Every call ends within a time limit; a failure is a
 * typed error and never holds the secret.
 *
 * @module
 */
import { encodeResponseSchema, type EncodeRequestBody, type EncodeResponseBody } from "../../shared/api/encode.ts";
import { problemSchema } from "../../shared/api/search.ts";
import { type ErrorCode, MaxleafError, quote } from "../../shared/errors.ts";
import { MAX_DIM, MAX_QUERY_TOKENS } from "../../shared/limits.ts";

/**
 * A query of `minilm-words` takes 10 to 40 ms on one core; this leaves room for a queue of them, and is what a person will wait. For a
 * model that takes longer on its machine, the deployment sets `ENCODER_TIMEOUT_MS`.
 */
export const ENCODER_TIMEOUT_MS = 8_000;
/** What a deployment may set: beyond two minutes nobody waits, and a proxy before the encoder has given up (Cloudflare's after 100 s: its error 524). */
const MAX_ENCODER_TIMEOUT_MS = 120_000;

/** The longest answer: base64 of float32 for every token at the largest dimension, and 200 bytes of JSON a token. */
const MAX_RESPONSE_BYTES = Math.ceil((MAX_QUERY_TOKENS * MAX_DIM * 4 * 4) / 3) + MAX_QUERY_TOKENS * 200;

/** What the encoder may say about the query itself, or about a model that it lacks; all else is its own trouble. */
const PASSED_ON: ReadonlySet<string> = new Set<ErrorCode>([
  "query_too_long",
  "empty_query",
  "model_unavailable",
  "overloaded",
]);

export interface EncoderClientOptions {
  /** Base URL of the service. */
  url: string | undefined;
  secret: string | undefined;
  /** As the deployment has it; {@link ENCODER_TIMEOUT_MS} when absent. */
  timeoutMs?: number | string | undefined;
  fetch?: (request: Request) => Promise<Response>;
}

/** Turns a normalised query into the encoder's checked answer. */
export type EncodeQuery = (recipe: string, query: string) => Promise<EncodeResponseBody>;

/**
 * A function that asks the encoder service. Lost connections and 503s are tried once more within the same time limit.
 *
 * Its errors: `encoder_unavailable`, `encoder_timeout`, and of the encoder's own `query_too_long`, `empty_query`,
 * `model_unavailable`, `overloaded`.
 */
export function createEncoderClient(options: EncoderClientOptions): EncodeQuery {
  const { url, secret } = options;
  // workerd's fetch refuses another `this`.
  const send = options.fetch ?? ((request: Request) => fetch(request));
  return async (recipe, query) => {
    if (url === undefined || url === "" || secret === undefined || secret === "") {
      throw new MaxleafError(
        "encoder_unavailable",
        "this deployment has no encoder: ENCODER_URL or ENCODER_SECRET is not set",
      );
    }
    const timeoutMs = checkedTimeoutMs(options.timeoutMs);
    const signal = AbortSignal.timeout(timeoutMs);
    const body: EncodeRequestBody = { recipe, query };
    const attempt = () => send(encodeRequest(url, secret, body, signal));
    try {
      const answer = withOneRetry(attempt, signal).then(readAnswer);
      // The signal should end a read as well; that it ends the wait does not hang on that.
      return await Promise.race([answer, rejectWhenAborted(signal)]);
    } catch (error) {
      if (error instanceof MaxleafError) throw error;
      if (signal.aborted) {
        throw new MaxleafError("encoder_timeout", `the encoder did not answer within ${timeoutMs} ms`, {
          cause: error,
        });
      }
      throw new MaxleafError("encoder_unavailable", "the encoder cannot be reached", { cause: error });
    }
  };
}

/** Errors: `internal` for a setting that is no number of milliseconds. */
function checkedTimeoutMs(setting: number | string = ENCODER_TIMEOUT_MS): number {
  const timeoutMs = setting === "" ? Number.NaN : Number(setting);
  if (Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= MAX_ENCODER_TIMEOUT_MS) return timeoutMs;
  throw new MaxleafError(
    "internal",
    `ENCODER_TIMEOUT_MS is ${quote(setting)}; it must be a whole number of milliseconds, 1 to ${MAX_ENCODER_TIMEOUT_MS}`,
  );
}

function encodeRequest(url: string, secret: string, body: EncodeRequestBody, signal: AbortSignal): Request {
  return new Request(new URL("/v1/encode", url), {
    method: "POST",
    headers: { authorization: `Bearer ${secret}`, "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(body),
    // A redirect would carry the secret elsewhere.
    redirect: "manual",
    signal,
  });
}

function rejectWhenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(new Error("the time limit passed")), { once: true });
  });
}

async function withOneRetry(attempt: () => Promise<Response>, signal: AbortSignal): Promise<Response> {
  let first: Response;
  try {
    first = await attempt();
  } catch (error) {
    if (signal.aborted) throw error;
    return await attempt();
  }
  if (first.status !== 503) return first;
  await first.body?.cancel();
  return await attempt();
}

async function readAnswer(response: Response): Promise<EncodeResponseBody> {
  const text = await readText(response);
  if (!response.ok) throw refusal(response.status, text);
  const parsed = encodeResponseSchema.safeParse(parseJson(text));
  if (!parsed.success) {
    throw new MaxleafError("encoder_unavailable", "the encoder's answer does not have the agreed form", {
      cause: parsed.error,
    });
  }
  return parsed.data;
}

function refusal(status: number, text: string): MaxleafError {
  const problem = problemSchema.safeParse(parseJson(text));
  if (problem.success && isPassedOn(problem.data.code)) return new MaxleafError(problem.data.code, problem.data.detail);
  // The caller named no recipe, the index did: what is missing is a model, not something of the caller's.
  if (problem.success && problem.data.code === "recipe_not_found") {
    return new MaxleafError("model_unavailable", `the encoder lacks this index's recipe: ${problem.data.detail}`);
  }
  const why =
    status === 401 || status === 403 ? "refuses this worker's ENCODER_SECRET" : `answered with status ${status}`;
  return new MaxleafError("encoder_unavailable", `the encoder ${why}`, { cause: new Error(text.slice(0, 500)) });
}

function isPassedOn(code: string): code is ErrorCode {
  return PASSED_ON.has(code);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The body as text, read no further than {@link MAX_RESPONSE_BYTES}. */
async function readText(response: Response): Promise<string> {
  if (response.body === null) return "";
  const decoder = new TextDecoder();
  let text = "";
  let bytesRead = 0;
  for await (const chunk of response.body) {
    bytesRead += chunk.byteLength;
    if (bytesRead > MAX_RESPONSE_BYTES) {
      throw new MaxleafError("encoder_unavailable", `the encoder's answer is longer than ${MAX_RESPONSE_BYTES} bytes`);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
