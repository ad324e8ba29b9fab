/**
 * Fetches a document from its address into a file.
 *
 * @module
 */
import { createWriteStream } from "node:fs";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { IncomingMessage } from "node:http";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { MAX_SOURCE_BYTES } from "../render/limits.ts";
import { INGESTIBLE_TYPES, isIngestible } from "../render/file-kind.ts";
import { diskFailure } from "../storage/disk-failure.ts";
import { withoutSecrets } from "./allow-list.ts";
import { guardedRequest, type GuardedResponse, reasonOf, type RequestGuard } from "./guarded-request.ts";

/** All of one document, redirects included: 256 MB, the largest, at 1 MB/s take 4 minutes. Ours. */
const DOCUMENT_TIMEOUT_MS = 10 * 60_000;

/** Servers that do not know what they send say this. */
const UNTYPED: ReadonlySet<string> = new Set([
  "",
  "application/octet-stream",
  "binary/octet-stream",
  "application/zip",
]);

export interface FetchDocumentOptions extends RequestGuard {
  signal: AbortSignal;
  /** Default: MAX_SOURCE_BYTES. */
  maxBytes?: number | undefined;
  /** Default: 10 minutes. */
  timeoutMs?: number | undefined;
}

/**
 * Writes what `url` has to the file at `path`, and gives its bytes' count. Nothing but a document is taken: by its media
 * type, or where the server has none for it, by its name's ending.
 *
 * Errors: those of `guardedRequest`; `fetch_failed` for any status but 200, an answer that breaks off or takes too long;
 * `file_unsupported`, `file_too_large` as soon as that is known; those of `diskFailure`; the signal's reason.
 */
export async function fetchDocument(
  url: string,
  path: string,
  options: FetchDocumentOptions,
): Promise<{ bytes: number }> {
  const { signal, timeoutMs = DOCUMENT_TIMEOUT_MS } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  const either = AbortSignal.any([signal, timeout]);
  try {
    const response = await guardedRequest(url, { method: "GET", signal: either }, options);
    return { bytes: await save(response, path, either, options.maxBytes ?? MAX_SOURCE_BYTES) };
  } catch (cause) {
    signal.throwIfAborted();
    if (!timeout.aborted) throw cause;
    throw new MaxleafError("fetch_failed", `a document was not there after ${timeoutMs / 1_000} s`, { cause });
  }
}

async function save(
  { url, status, message }: GuardedResponse,
  path: string,
  signal: AbortSignal,
  maxBytes: number,
): Promise<number> {
  const from = quote(withoutSecrets(url));
  try {
    if (status !== 200) throw new MaxleafError("fetch_failed", `${from} answered with status ${status}`);
    requireDocument(url, message);
    const tooLarge = () =>
      new MaxleafError("file_too_large", `${from} has more than ${maxBytes} bytes, which is the limit`);
    if (Number(message.headers["content-length"] ?? 0) > maxBytes) throw tooLarge();
    let bytes = 0;
    const counted = new Transform({
      transform(chunk: Uint8Array, _encoding, done) {
        bytes += chunk.byteLength;
        if (bytes > maxBytes) done(tooLarge());
        else done(null, chunk);
      },
    });
    await pipeline(message, counted, createWriteStream(path), { signal });
    return bytes;
  } catch (cause) {
    if (cause instanceof MaxleafError) throw cause;
    const failure = diskFailure(cause);
    if (failure !== undefined) throw failure;
    throw new MaxleafError("fetch_failed", `${from} broke off: ${reasonOf(cause)}`, { cause });
  } finally {
    message.destroy();
  }
}

function requireDocument(url: URL, { headers }: IncomingMessage): void {
  const type = headers["content-type"]?.split(";")[0]?.trim().toLowerCase() ?? "";
  const encoding = headers["content-encoding"] ?? "identity";
  const from = quote(withoutSecrets(url));
  if (encoding !== "identity") {
    throw new MaxleafError("fetch_failed", `${from} is sent as ${quote(encoding)}, which was not asked for`);
  }
  if (Object.hasOwn(INGESTIBLE_TYPES, type)) return;
  if (UNTYPED.has(type) && isIngestible(decodedPath(url))) return;
  const what = type === "" ? "has no media type" : `is ${quote(type)}`;
  throw new MaxleafError("file_unsupported", `${from} ${what}: neither that nor its name is a document's`);
}

function decodedPath({ pathname }: URL): string {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return pathname;
  }
}
