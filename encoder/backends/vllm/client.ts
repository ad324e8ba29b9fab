/**
 * Token vectors from a vLLM server (`/pooling`, task `token_embed`), for recipes whose models do not run here.
 *
 * @module
 */
import PQueue from "p-queue";
import { MaxleafError, quote } from "../../../shared/errors.ts";
import type { TokenVectors } from "../contract.ts";
import { type HttpOptions, request } from "./http.ts";
import {
  modelListSchema,
  poolingBody,
  type PoolingFormat,
  type VllmEmbedDtype,
  type VllmEncoding,
  type VllmItem,
  type VllmRequestOptions,
} from "./protocol.ts";
import { readVectors, UnexpectedAnswer } from "./vectors.ts";

/** What a recipe expects of the server. */
export interface VllmSpec {
  /** The recipe's name, in error sentences. */
  name: string;
  /** The repository that must be served, as on the hub. */
  model: string;
  /**
   * Its commit, 40 hex digits; undefined: any. vLLM does not tell it: it is known of a server that was given a folder of the
   * hub's cache, or a served name that ends in `@` and the commit.
   */
  revision?: string | undefined;
  dim: number;
  textOptions?: VllmRequestOptions | undefined;
  imageOptions?: VllmRequestOptions | undefined;
}

export interface VllmOptions {
  /** `http://gpu:8000`; a trailing `/v1` is ignored. */
  baseUrl: string;
  apiKey?: string | undefined;
  /** Default `base64`: a third larger than `bytes`, which puts shapes into a header that some proxies cut (nginx at 4 KiB). */
  encoding?: VllmEncoding | undefined;
  /** Of what goes over the wire; default `float32`. */
  embedDtype?: VllmEmbedDtype | undefined;
  /** Requests under way at once. vLLM batches what it has, so one at a time leaves it idle. Default {@link DEFAULT_CONCURRENCY}. */
  concurrency?: number | undefined;
  /** Requests that wait before `overloaded`. Default {@link DEFAULT_QUEUED_REQUESTS}. */
  maxQueuedRequests?: number | undefined;
  /** For one try of one request, the server's queue included. Default {@link DEFAULT_TIMEOUT_MS}. */
  timeoutMs?: number | undefined;
  /** After the first try. Default {@link DEFAULT_RETRIES}. */
  retries?: number | undefined;
  /** Before the first retry; doubles. Default {@link DEFAULT_RETRY_DELAY_MS}. */
  retryDelayMs?: number | undefined;
  /** Told when the server's model may be of another revision than the recipe's: vLLM does not say which it serves. */
  onWarning?: ((message: string) => void) | undefined;
}

export const DEFAULT_CONCURRENCY = 8;
export const DEFAULT_QUEUED_REQUESTS = 1_024;
export const DEFAULT_TIMEOUT_MS = 120_000;
export const DEFAULT_RETRIES = 4;
export const DEFAULT_RETRY_DELAY_MS = 250;

/** Metadata of 16 texts is about 2 KB of header in `bytes`; Node takes 16 KiB, nginx 4. */
const TEXTS_PER_REQUEST = 16;

const COMMIT = /[0-9a-f]{40}/u;
/** `.../models--vidore--colpali-v1.3-hf/snapshots/<commit>`: a folder of the hub's cache. */
const SNAPSHOT = /models--([^/]+)\/snapshots\/([0-9a-f]{40})\/?$/u;

/** Statuses that concern the server, not one item. */
const NOT_THE_ITEM: readonly unknown[] = [401, 403, 404, 405];

export class VllmClient {
  readonly #spec: VllmSpec;
  readonly #http: HttpOptions;
  readonly #format: PoolingFormat;
  readonly #servedName: string;
  readonly #queue: PQueue;
  readonly #maxQueuedRequests: number;
  #disposed = false;

  private constructor(spec: VllmSpec, http: HttpOptions, served: ServedModel, options: VllmOptions) {
    this.#spec = spec;
    this.#http = http;
    this.#format = { encoding: options.encoding ?? "base64", dtype: options.embedDtype ?? "float32" };
    this.#servedName = served.id;
    this.#queue = new PQueue({ concurrency: options.concurrency ?? DEFAULT_CONCURRENCY });
    this.#maxQueuedRequests = options.maxQueuedRequests ?? DEFAULT_QUEUED_REQUESTS;
  }

  /**
   * Checks that the server serves the recipe's model (and revision, where it can be told) and gives token vectors of its
   * dim: one word is encoded, as JSON numbers, which have a shape.
   *
   * Errors: `model_unavailable` naming what is served instead, or in the server's words; `encoder_unavailable`,
   * `encoder_timeout`, `overloaded`.
   */
  static async open(spec: VllmSpec, options: VllmOptions): Promise<VllmClient> {
    const http: HttpOptions = {
      baseUrl: serverOf(options.baseUrl),
      apiKey: options.apiKey,
      timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      retries: options.retries ?? DEFAULT_RETRIES,
      retryDelayMs: options.retryDelayMs ?? DEFAULT_RETRY_DELAY_MS,
    };
    const served = await findServedModel(spec, http);
    const client = new VllmClient(spec, http, served, options);
    await client.#ask([{ kind: "text", text: "page" }], { encoding: "float", dtype: "float32" });
    if (spec.revision !== undefined && served.revision === undefined) {
      options.onWarning?.(
        `vLLM at ${http.baseUrl} does not say which revision of ${spec.model} it serves; ${spec.revision} is what ${spec.name} needs`,
      );
    }
    return client;
  }

  /**
   * Vectors of every position of every item, in order. Texts of one call share requests; an item that the server refuses
   * does not fail the others of its request, but it does fail the call, as with `GraphRunner.run`.
   *
   * Errors: `overloaded`, `encoder_unavailable`, `encoder_timeout`, `model_unavailable`.
   */
  async encode(items: readonly VllmItem[]): Promise<TokenVectors[]> {
    if (this.#disposed) throw new MaxleafError("model_unavailable", `${this.#spec.name} was closed`);
    const requests = intoRequests(items);
    const waiting = this.#queue.size + requests.length;
    if (waiting > this.#maxQueuedRequests) {
      const what = `${waiting} requests would wait; ${this.#maxQueuedRequests} may`;
      throw new MaxleafError("overloaded", `${this.#spec.name} has too much to do: ${what}`);
    }
    const answers = await Promise.all(requests.map((part) => this.#queue.add(() => this.#encodeTogether(part))));
    return answers.flat();
  }

  /** Waits for what was asked before. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.#queue.onIdle();
  }

  async #encodeTogether(items: readonly VllmItem[]): Promise<TokenVectors[]> {
    try {
      return await this.#ask(items, this.#format);
    } catch (error) {
      if (items.length === 1 || !(error instanceof MaxleafError) || error.code !== "model_unavailable") throw error;
      if (NOT_THE_ITEM.includes(error.details["status"])) throw error;
      const alone: TokenVectors[] = [];
      for (const item of items) alone.push(...(await this.#ask([item], this.#format)));
      return alone;
    }
  }

  async #ask(items: readonly VllmItem[], format: PoolingFormat): Promise<TokenVectors[]> {
    const { textOptions, imageOptions, dim } = this.#spec;
    const options = items[0]?.kind === "image" ? imageOptions : textOptions;
    const { body, headers } = await request(
      this.#http,
      "/pooling",
      poolingBody(this.#servedName, items, format, options),
    );
    try {
      const vectors = readVectors({ body, metadata: headers.get("metadata") }, items.length, dim, format);
      for (const [i, item] of items.entries()) checkVectors(item, vectors[i]);
      return vectors;
    } catch (error) {
      if (!(error instanceof UnexpectedAnswer)) throw error;
      const sentence = `vLLM at ${this.#http.baseUrl} did not answer as ${this.#spec.name} expects: ${error.message}`;
      throw new MaxleafError("model_unavailable", sentence, { cause: error });
    }
  }
}

/** Texts together, images alone; in order. A list of strings and token ids in one is not accepted. */
function intoRequests(items: readonly VllmItem[]): VllmItem[][] {
  const requests: VllmItem[][] = [];
  for (const item of items) {
    const last = requests.at(-1);
    const form = formOf(item);
    if (form !== "image" && form === formOf(last?.[0]) && last !== undefined && last.length < TEXTS_PER_REQUEST) {
      last.push(item);
    } else {
      requests.push([item]);
    }
  }
  return requests;
}

function formOf(item: VllmItem | undefined): string {
  return item?.kind === "text" ? typeof item.text : "image";
}

function checkVectors({ kind, vectorCount }: VllmItem, vectors: TokenVectors | undefined): void {
  const { tokenCount = 0, dim = 1, values = new Float32Array() } = vectors ?? {};
  if (tokenCount === 0 || (vectorCount !== undefined && tokenCount !== vectorCount)) {
    throw new UnexpectedAnswer(
      `${tokenCount} vectors of ${kind} came back instead of ${vectorCount ?? "at least one"}`,
    );
  }
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new UnexpectedAnswer(`vector ${Math.floor(bad / dim)} of ${kind} holds ${values[bad]}`);
}

function serverOf(baseUrl: string): string {
  const url = URL.parse(baseUrl);
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    throw new MaxleafError("model_unavailable", `${quote(baseUrl)} is no http(s) address of a vLLM server`);
  }
  return url.href.replace(/(\/v1)?\/*$/u, "");
}

interface ServedModel {
  /** What requests must call it. */
  id: string;
  revision: string | undefined;
}

async function findServedModel(spec: VllmSpec, http: HttpOptions): Promise<ServedModel> {
  const { body } = await request(http, "/v1/models");
  const list = modelListSchema.safeParse(jsonOf(body));
  if (!list.success) {
    throw new MaxleafError("model_unavailable", `${http.baseUrl}/v1/models does not list models: is it a vLLM server?`);
  }
  const cards = list.data.data;
  const served = cards.map(({ id, root }) => readCard(id, root ?? undefined));
  const found = served.find((model) => model.repositories.includes(spec.model));
  if (found === undefined) {
    const names = cards.map(({ id, root }) => (root === id || root == null ? id : `${id} (${root})`)).join(", ");
    throw new MaxleafError(
      "model_unavailable",
      `vLLM at ${http.baseUrl} serves ${names || "nothing"}, not ${spec.model}`,
    );
  }
  if (spec.revision !== undefined && found.revision !== undefined && found.revision !== spec.revision) {
    const sentence = `vLLM at ${http.baseUrl} serves ${spec.model} at ${found.revision}, not at ${spec.revision}`;
    throw new MaxleafError("model_unavailable", sentence);
  }
  return found;
}

/** Everything that a card's name and root say about what it is. */
function readCard(id: string, root: string | undefined): ServedModel & { repositories: string[] } {
  const [name = id, commit] = id.split("@");
  const snapshot = root === undefined ? null : SNAPSHOT.exec(root);
  // The cache writes `owner/name` as `owner--name`.
  const cached = snapshot?.[1]?.replace("--", "/");
  return {
    id,
    revision: snapshot?.[2] ?? (commit === undefined ? undefined : COMMIT.exec(commit)?.[0]),
    repositories: [name, root, cached].filter((repository) => repository !== undefined),
  };
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}
