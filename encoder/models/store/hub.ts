/**
 * The model hub, through its own library: which commit a revision is, what files the commit has, their bytes. Every failure
 * is a {@link MaxleafError} with a way out in its sentence, or a {@link BrokenOff} that trying again may mend.
 *
 * @module
 */
import { downloadFile, HubApiError, listFiles, modelInfo } from "@huggingface/hub";
import pRetry from "p-retry";
import { z } from "zod";
import { MaxleafError, quote } from "../../../shared/errors.ts";
import { modelFilePathSchema } from "./model-lock.ts";

export const DEFAULT_HUB = "https://huggingface.co";

/** A server that lets a connection lie for this long will not go on with it. */
const SILENCE_TIMEOUT_MS = 60_000;
/** Waits of half a second, one, two and four: a mirror that is restarted is back by then. */
const RETRIES = 4;
const RETRY_WAIT_MS = 500;
/** The largest repositories of our families have a hundred files. */
const MAX_LISTED_FILES = 20_000;
const TRANSIENT_STATUS: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

export interface HubOptions {
  /** Base URL; default: huggingface.co. What HF_ENDPOINT holds. */
  endpoint?: string | undefined;
  /** For repositories that are not open to all: what HF_TOKEN holds. Sent to the endpoint's origin alone. */
  token?: string | undefined;
  signal?: AbortSignal | undefined;
  /** First wait before a request is tried again. */
  retryWaitMs?: number | undefined;
  /** Without a byte for so long, a connection counts as broken. */
  silenceTimeoutMs?: number | undefined;
}

/** A file of a commit and the checksum that the hub gives for it. */
export interface HubFile {
  path: string;
  bytes: number;
  /** SHA-256 of large files, the id of git's blob of small ones; in hex. */
  checksum: { kind: "sha256" | "git-blob"; hex: string };
}

/** The connection, and not what was asked, is at fault. */
export class BrokenOff extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "BrokenOff";
  }
}

const commitSchema = z.string().regex(/^[0-9a-f]{40}$/u);
const listedFileSchema = z.object({
  path: modelFilePathSchema,
  size: z.int().nonnegative(),
  oid: z.string().regex(/^[0-9a-f]{40}$/u),
  lfs: z.object({ oid: z.string().regex(/^[0-9a-f]{64}$/u), size: z.int().nonnegative() }).optional(),
});

export class Hub {
  readonly endpoint: string;
  readonly #options: HubOptions;

  /** Errors: `invalid_request` for an endpoint that is no HTTP address. */
  constructor(options: HubOptions = {}) {
    const endpoint = options.endpoint ?? DEFAULT_HUB;
    if (!/^https?:$/u.test(URL.parse(endpoint)?.protocol ?? "")) {
      throw new MaxleafError("invalid_request", `the hub's address ${quote(endpoint)} is not an http or https URL`);
    }
    this.endpoint = endpoint.replace(/\/+$/u, "");
    this.#options = options;
  }

  /** The commit that `revision`, a branch, tag or commit, is now. Errors: `model_unavailable`. */
  async resolveCommit(repository: string, revision: string): Promise<string> {
    const what = `the revision ${quote(revision)} of ${quote(repository)}`;
    const info = await this.#ask(what, (fetch) =>
      modelInfo({ name: repository, revision, additionalFields: ["sha"], hubUrl: this.endpoint, fetch }),
    );
    const commit = commitSchema.safeParse(info.sha);
    if (commit.success) return commit.data;
    throw unavailable(`the hub did not say which commit ${what} is: ${quote(info.sha)}`);
  }

  /** The files called `paths` of a commit, in that order. Errors: `model_unavailable` naming the first that it lacks. */
  async findFiles(repository: string, commit: string, paths: readonly string[]): Promise<HubFile[]> {
    const wanted = new Set(paths);
    const what = `the files of ${quote(repository)} at ${commit}`;
    const found = await this.#ask(what, async (fetch) => {
      const files = new Map<string, HubFile>();
      const repo = { type: "model", name: repository } as const;
      let listed = 0;
      for await (const entry of listFiles({ repo, revision: commit, recursive: true, hubUrl: this.endpoint, fetch })) {
        if (++listed > MAX_LISTED_FILES) throw unavailable(`${what} are more than ${MAX_LISTED_FILES}`);
        if (entry.type === "file" && wanted.has(entry.path)) files.set(entry.path, toHubFile(entry, what));
      }
      return files;
    });
    return paths.map((path) => {
      const file = found.get(path);
      if (file !== undefined) return file;
      throw unavailable(`${quote(repository)} has no file ${quote(path)} at ${commit}`, { file: path });
    });
  }

  /**
   * The bytes of a file from `fromByte` on, as they come.
   *
   * Throws {@link BrokenOff} when the connection breaks, falls silent or ends early: what came is good, the rest can be read
   * later. Errors: `model_unavailable`.
   */
  async *read(repository: string, commit: string, file: HubFile, fromByte: number): AsyncGenerator<Uint8Array> {
    const silence = new AbortController();
    const { silenceTimeoutMs = SILENCE_TIMEOUT_MS } = this.#options;
    const timer = setTimeout(() => silence.abort(new BrokenOff("the hub fell silent")), silenceTimeoutMs);
    const what = `the file ${quote(file.path)} of ${quote(repository)}`;
    try {
      const repo = { type: "model", name: repository } as const;
      const source = { repo, path: file.path, revision: commit, hubUrl: this.endpoint, xet: false };
      const blob = await downloadFile({ ...source, fetch: this.#fetch(silence.signal) });
      if (blob === null) throw unavailable(`${quote(repository)} has no file ${quote(file.path)} at ${commit}`);
      if (blob.size !== file.bytes) {
        throw unavailable(`${what} has ${blob.size} bytes where the hub lists ${file.bytes}`);
      }
      let at = fromByte;
      for await (const chunk of fromByte === 0 ? blob.stream() : blob.slice(fromByte).stream()) {
        timer.refresh();
        at += chunk.byteLength;
        if (at > file.bytes) throw unavailable(`${what} goes on after its ${file.bytes} bytes`);
        yield chunk;
      }
      if (at < file.bytes) throw new BrokenOff(`${what} ended after ${at} of ${file.bytes} bytes`);
    } catch (error) {
      throw this.#toFailure(what, silence.signal.aborted ? silence.signal.reason : error);
    } finally {
      clearTimeout(timer);
      // Ends the transfer when the reader stops early.
      silence.abort();
    }
  }

  async #ask<T>(what: string, request: (fetch: typeof globalThis.fetch) => Promise<T>): Promise<T> {
    const { signal, retryWaitMs = RETRY_WAIT_MS, silenceTimeoutMs = SILENCE_TIMEOUT_MS } = this.#options;
    const attempt = async () => {
      try {
        return await request(this.#fetch(AbortSignal.timeout(silenceTimeoutMs)));
      } catch (error) {
        throw this.#toFailure(what, error);
      }
    };
    try {
      const shouldRetry = ({ error }: { error: Error }) => error instanceof BrokenOff;
      return await pRetry(attempt, { retries: RETRIES, minTimeout: retryWaitMs, signal, shouldRetry });
    } catch (error) {
      throw error instanceof BrokenOff ? this.unreachable(error) : error;
    }
  }

  /** What to say when trying again did not help. */
  unreachable(error: BrokenOff): MaxleafError {
    const ways = "set HF_ENDPOINT to a mirror, or copy the files by hand (docs/models.md)";
    return new MaxleafError("model_unavailable", `${this.endpoint} cannot be used now: ${error.message}; ${ways}`, {
      cause: error,
    });
  }

  /** Adds the token, which never leaves the endpoint's origin, and refuses an answer that is not the range asked for. */
  #fetch(deadline: AbortSignal): typeof fetch {
    const { token, signal } = this.#options;
    const origin = new URL(this.endpoint).origin;
    return async (input, init) => {
      const request = new Request(input, init);
      if (token !== undefined && token !== "" && new URL(request.url).origin === origin) {
        request.headers.set("authorization", `Bearer ${token}`);
      }
      const response = await fetch(request, {
        signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
      });
      const range = /^bytes=(\d+)-/u.exec(request.headers.get("range") ?? "")?.[1];
      // The library asks for byte 0 alone to learn a file's size, and looks at that answer itself.
      if (range === undefined || range === "0" || !response.ok) return response;
      const isRange = response.status === 206 && response.headers.get("content-range")?.startsWith(`bytes ${range}-`);
      if (isRange === true) return response;
      await response.body?.cancel();
      throw new BrokenOff(`asked for the bytes from ${range} on, it sent others`);
    };
  }

  #toFailure(what: string, error: unknown): Error {
    this.#options.signal?.throwIfAborted();
    if (error instanceof MaxleafError || error instanceof BrokenOff) return error;
    if (error instanceof HubApiError && !TRANSIENT_STATUS.has(error.statusCode)) return refusal(what, error);
    return new BrokenOff(`${what}: ${causesOf(error)}`, { cause: error });
  }
}

function toHubFile(entry: unknown, what: string): HubFile {
  const parsed = listedFileSchema.safeParse(entry);
  if (!parsed.success) throw unavailable(`the hub's list of ${what} cannot be understood: ${quote(entry, 200)}`);
  const { path, size, oid, lfs } = parsed.data;
  if (lfs === undefined) return { path, bytes: size, checksum: { kind: "git-blob", hex: oid } };
  return { path, bytes: lfs.size, checksum: { kind: "sha256", hex: lfs.oid } };
}

function refusal(what: string, error: HubApiError): MaxleafError {
  const { statusCode } = error;
  if (statusCode === 401 || statusCode === 403) {
    const way = "it is gated, private or not there: accept its terms on its page and set HF_TOKEN";
    return unavailable(`the hub refuses ${what} (status ${statusCode}): ${way}`, {}, error);
  }
  if (statusCode === 404) return unavailable(`the hub does not have ${what}`, {}, error);
  return unavailable(`the hub refuses ${what} (status ${statusCode})`, {}, error);
}

function unavailable(message: string, details: Record<string, unknown> = {}, cause?: unknown): MaxleafError {
  return new MaxleafError("model_unavailable", message, { details, cause });
}

/** `fetch failed: connect ECONNREFUSED 127.0.0.1:1`: undici keeps what happened in the cause. */
function causesOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${causesOf(error.cause)}`;
}
