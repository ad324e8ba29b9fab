/**
 * The queue over Cloudflare Queues, pulled by HTTP.
 *
 * Gaps from the local queue, by the documentation (developers.cloudflare.com/queues/configuration/pull-consumers) and the
 * schema of Cloudflare's own client:
 * - A delivery cannot be made longer. `extend` marks the message for a retry after a delay, which ends the delivery: a
 *   message is given back for later, never held longer.
 * - There is no long polling: `receive` asks again, ever less often.
 * - Dead letters go to the given `setAside`. The service itself drops a message (or moves it to its own dead-letter queue)
 *   after the consumer's `max_retries`, 3 by default: set it above MAX_RECEIVES, or messages are lost.
 * - An acknowledgement is taken after its time too, though another worker may have the message by then.
 * - Messages of the types `json` and `bytes` come in base64, and `v8` cannot be read. Ours are `text`.
 * - Delays are in whole seconds, rounded up. The order is a hint.
 *
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";
import pRetry, { AbortError } from "p-retry";
import { z } from "zod";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { type Clock, systemClock } from "../../shared/ports.ts";
import { checkBody, checkReceive, checkVisibility } from "./checks.ts";
import {
  type DeadLetter,
  type JobQueue,
  MAX_RECEIVES,
  type QueueMessage,
  type ReceiveOptions,
  unfinishedReason,
} from "./queue.ts";

const API = "https://api.cloudflare.com/client/v4";
/** Cloudflare's: 128 KB of 1,000 bytes with up to 100 bytes of its own; here with room for what JSON escapes. */
const MAX_MESSAGE_BYTES = 127_000;
/** Cloudflare's: 100 messages or 256 KB a batch. */
const MAX_BATCH_MESSAGES = 100;
const MAX_BATCH_BYTES = 200_000;
/** Attempts after the first, after 0.5, 1, 2 and 4 s: of 1,200 requests in five minutes that send, the rest are refused. */
const RETRIES = 4;
const RETRY_MS = 500;
const REQUEST_TIMEOUT_MS = 30_000;
/** Pauses between looks at an empty queue, each of which is billed as a read. */
const FIRST_POLL_MS = 500;
const MAX_POLL_MS = 5_000;
/** Of an answer that is shown in an error. */
const MAX_SHOWN_CHARS = 200;
/** Deliveries that are known to be over; the oldest are forgotten. */
const MAX_SETTLED = 10_000;
const ID = /^[0-9a-f]{32}$/i;

const envelope = z.object({
  success: z.boolean().optional(),
  errors: z.array(z.object({ code: z.number().optional(), message: z.string() })).nullish(),
  result: z.unknown(),
});
const pulled = z.object({
  messages: z
    .array(
      z.object({
        id: z.string(),
        body: z.unknown(),
        attempts: z.int().nonnegative(),
        lease_id: z.string().min(1),
        metadata: z.record(z.string(), z.unknown()).nullish(),
      }),
    )
    .default([]),
});
const acknowledged = z
  .object({ retryCount: z.int().optional(), warnings: z.record(z.string(), z.unknown()).nullish() })
  .nullish();
type Pulled = z.infer<typeof pulled>["messages"][number];

export interface CloudflareQueueOptions {
  /** Both as Cloudflare's dashboard and `wrangler queues info` show them: 32 hex digits. */
  accountId: string;
  queueId: string;
  /** With the permission to read and write queues. */
  token: string;
  /** Keeps a dead letter. Must be durable when it returns. */
  setAside: (dead: DeadLetter) => Promise<void>;
  /** Another address of the API, for tests. */
  endpoint?: string | undefined;
  clock?: Clock | undefined;
  /** First pause before a request is tried again. */
  retryMs?: number | undefined;
}

export class CloudflareQueue implements JobQueue {
  readonly description: string;
  readonly cannotExtend = true;
  readonly #url: string;
  readonly #token: string;
  readonly #setAside: CloudflareQueueOptions["setAside"];
  readonly #clock: Clock;
  readonly #retryMs: number;
  /** Leases of deliveries that were ended here: the service takes what comes late for what comes in time. */
  readonly #settled = new Set<string>();

  /** @throws MaxleafError `invalid_request` for ids that are none, or without a token. */
  constructor(options: CloudflareQueueOptions) {
    const { accountId, queueId, token, setAside, endpoint = API, clock = systemClock, retryMs = RETRY_MS } = options;
    for (const id of [accountId, queueId]) {
      if (!ID.test(id)) throw new MaxleafError("invalid_request", `${quote(id)} is no id of Cloudflare: 32 hex digits`);
    }
    if (token === "") throw new MaxleafError("invalid_request", "a queue of Cloudflare needs CLOUDFLARE_API_TOKEN");
    this.description = `Cloudflare's queue ${queueId}`;
    this.#url = `${endpoint}/accounts/${accountId}/queues/${queueId}/messages`;
    this.#token = token;
    this.#setAside = setAside;
    this.#clock = clock;
    this.#retryMs = retryMs;
  }

  async send(bodies: readonly string[]): Promise<void> {
    for (const body of bodies) checkMessage(body);
    for (const batch of inBatches(bodies)) {
      const messages = batch.map((body) => ({ body, content_type: "text" }));
      await this.#ask("/batch", { messages }, "sent to");
    }
  }

  async receive(options: ReceiveOptions): Promise<QueueMessage[]> {
    checkReceive(options);
    const { waitMs, signal } = options;
    const untilMs = this.#clock.nowMs() + waitMs;
    for (let pauseMs = FIRST_POLL_MS; ; pauseMs = Math.min(MAX_POLL_MS, 2 * pauseMs)) {
      if (signal?.aborted === true) return [];
      const messages = await this.#pull(options);
      const leftMs = untilMs - this.#clock.nowMs();
      if (messages.length > 0 || leftMs <= 0) return messages;
      await sleep(Math.min(pauseMs, leftMs), undefined, { signal }).catch(() => undefined);
    }
  }

  /** Ends the delivery: the message comes again after `visibilityMs`. False for a delivery that was ended before. */
  async extend({ receipt }: QueueMessage, visibilityMs: number): Promise<boolean> {
    checkVisibility(visibilityMs);
    if (this.#settled.has(receipt)) return false;
    const retry = { lease_id: receipt, delay_seconds: Math.ceil(visibilityMs / 1_000) };
    const result = await this.#ask("/ack", { acks: [], retries: [retry] }, "told of");
    this.#settle([receipt]);
    const { retryCount = 1, warnings } = acknowledged.parse(result) ?? {};
    return retryCount > 0 && warnings?.[receipt] === undefined;
  }

  async ack(messages: readonly QueueMessage[]): Promise<void> {
    // The service may take this for a message that was given back.
    const receipts = messages.map(({ receipt }) => receipt).filter((receipt) => !this.#settled.has(receipt));
    for (let first = 0; first < receipts.length; first += MAX_BATCH_MESSAGES) {
      const some = receipts.slice(first, first + MAX_BATCH_MESSAGES);
      await this.#ask("/ack", { acks: some.map((receipt) => ({ lease_id: receipt })), retries: [] }, "acknowledged to");
      this.#settle(some);
    }
  }

  /** Kept elsewhere first, then acknowledged: a crash between leaves it twice, never nowhere. */
  async fail(message: QueueMessage, reason: string): Promise<void> {
    const { id, body, receiveCount, receipt } = message;
    if (this.#settled.has(receipt)) return;
    try {
      await this.#setAside({ id, body, receiveCount, reason, failedAtMs: this.#clock.nowMs() });
    } catch (cause) {
      throw this.#unavailable("set aside from", cause);
    }
    await this.ack([message]);
  }

  /** Nothing is held open. */
  close(): void {
    this.#settled.clear();
  }

  async #pull({ max, visibilityMs, signal }: ReceiveOptions): Promise<QueueMessage[]> {
    try {
      const options = { batch_size: max, visibility_timeout_ms: visibilityMs };
      const { messages } = pulled.parse((await this.#ask("/pull", options, "received from", signal)) ?? {});
      return await this.#withoutWornOut(messages.map(toMessage));
    } catch (error) {
      if (signal?.aborted === true) return [];
      throw this.#unavailable("received from", error);
    }
  }

  async #withoutWornOut(messages: readonly QueueMessage[]): Promise<QueueMessage[]> {
    const kept: QueueMessage[] = [];
    for (const message of messages) {
      if (message.receiveCount <= MAX_RECEIVES) kept.push(message);
      else await this.fail(message, unfinishedReason(message.receiveCount - 1));
    }
    return kept;
  }

  #settle(receipts: readonly string[]): void {
    for (const receipt of receipts) this.#settled.add(receipt);
    for (const receipt of this.#settled) {
      if (this.#settled.size <= MAX_SETTLED) return;
      this.#settled.delete(receipt);
    }
  }

  /** `result` of the answer. Errors: `queue_unavailable`. */
  async #ask(path: string, body: unknown, verb: string, signal?: AbortSignal): Promise<unknown> {
    try {
      return await pRetry(async () => await this.#askOnce(path, body, signal), {
        retries: RETRIES,
        minTimeout: this.#retryMs,
        randomize: true,
        ...(signal && { signal }),
      });
    } catch (cause) {
      throw this.#unavailable(verb, cause);
    }
  }

  async #askOnce(path: string, body: unknown, signal: AbortSignal | undefined): Promise<unknown> {
    const { response, text } = await this.#post(path, body, signal);
    const answer = parseAnswer(text);
    if (response.ok && answer?.success !== false) return answer?.result;
    const said = answer?.errors?.map(({ code, message }) => `${message} (${code ?? "no code"})`).join("; ");
    const failure = new Error(`status ${response.status}: ${said ?? text.slice(0, MAX_SHOWN_CHARS)}`);
    if (response.status === 429 || response.status >= 500) throw failure;
    throw new AbortError(failure);
  }

  async #post(path: string, body: unknown, signal: AbortSignal | undefined) {
    const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    try {
      const response = await fetch(this.#url + path, {
        method: "POST",
        headers: { authorization: `Bearer ${this.#token}`, "content-type": "application/json" },
        body: JSON.stringify(body),
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      return { response, text: await response.text() };
    } catch (cause) {
      // Whatever `fetch` calls it: the line may be better in a moment.
      throw new Error(reasonOf(cause), { cause });
    }
  }

  #unavailable(verb: string, cause: unknown): MaxleafError {
    if (cause instanceof MaxleafError) return cause;
    const message = `${this.description} could not be ${verb}: ${reasonOf(cause)}`;
    return new MaxleafError("queue_unavailable", message, { cause });
  }
}

/** Errors: `invalid_request`, `body_too_large`. */
function checkMessage(body: string): void {
  checkBody(body);
  const bytes = Buffer.byteLength(body);
  if (bytes <= MAX_MESSAGE_BYTES) return;
  throw new MaxleafError("body_too_large", `a message of ${bytes} bytes; Cloudflare takes ${MAX_MESSAGE_BYTES}`);
}

function inBatches(bodies: readonly string[]): string[][] {
  const batches: string[][] = [];
  let bytes = Infinity;
  for (const body of bodies) {
    const size = Buffer.byteLength(body);
    bytes += size;
    if (bytes > MAX_BATCH_BYTES || batches.at(-1)?.length === MAX_BATCH_MESSAGES) {
      batches.push([]);
      bytes = size;
    }
    batches.at(-1)?.push(body);
  }
  return batches;
}

function toMessage({ id, body, attempts, lease_id: receipt, metadata }: Pulled): QueueMessage {
  return { id, body: textOf(body, metadata?.["CF-Content-Type"]), receiveCount: Math.max(1, attempts), receipt };
}

/**
 * The text of a body. `json` and `bytes` come in base64 by the documentation, whose own example shows `json` as it is: what is
 * no base64 of UTF-8 is taken as it came.
 */
function textOf(body: unknown, contentType: unknown): string {
  if (typeof body !== "string") return JSON.stringify(body) ?? "";
  if (contentType !== "json" && contentType !== "bytes") return body;
  const bytes = Buffer.from(body, "base64");
  if (bytes.toString("base64") !== body) return body;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return body;
  }
}

function parseAnswer(text: string): z.infer<typeof envelope> | undefined {
  try {
    return envelope.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const inner = cause.cause instanceof Error ? `: ${cause.cause.message}` : "";
  return cause.message + inner;
}
