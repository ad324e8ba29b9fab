/**
 * Cloudflare's Queues API as its documentation has it, over HTTP: one queue with a pull consumer.
 *
 * Written from developers.cloudflare.com/queues (pull consumers, batching and retries, limits; July 2026) and the schema of
 * Cloudflare's own TypeScript client. Nothing of it was compared with the service. What neither says, and is a guess here:
 * `attempts` of the first delivery is 1; the id stays the same over deliveries; what is retried or acknowledged with a lease
 * that was used before changes nothing and is a warning. An acknowledgement after the visibility timeout is taken, as the
 * documentation says.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { z } from "zod";

export const ACCOUNT = "023e105f4ecef8ad9ca31a8372d0c353";
export const QUEUE = "1ad27d24c83de78953da635dc2ea208f";
export const TOKEN = "a-token-of-the-tests";

const MAX_MESSAGE_BYTES = 128_000;
const MAX_DELAY_SECONDS = 43_200;
const delay = z.int().min(0).max(MAX_DELAY_SECONDS).optional();
const message = z.object({
  body: z.unknown(),
  content_type: z.enum(["text", "json"]).default("json"),
  delay_seconds: delay,
});
const batch = z.object({ messages: z.array(message).max(100), delay_seconds: delay });
const pull = z.object({
  batch_size: z.int().min(1).max(100).default(5),
  visibility_timeout_ms: z.int().min(0).max(43_200_000).default(30_000),
});
const lease = z.object({ lease_id: z.string() });
const ack = z.object({
  acks: z.array(lease).default([]),
  retries: z.array(lease.extend({ delay_seconds: delay })).default([]),
});

interface Stored {
  id: string;
  /** As it is sent to consumers. */
  wire: string;
  contentType: string;
  sentAtMs: number;
  visibleAtMs: number;
  attempts: number;
}

export class FakeCloudflareQueues {
  /** Consumers' `max_retries`; what was delivered once more than that is gone. */
  maxRetries = 100;
  /** Answers to give before anything is done, each once. */
  readonly refusals: { status: number; body?: string }[] = [];
  readonly paths: string[] = [];
  readonly #messages = new Map<string, Stored>();
  readonly #leases = new Map<string, string>();
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  async start(): Promise<string> {
    await once(this.#server.listen(0, "127.0.0.1"), "listening");
    const address = this.#server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    return `http://127.0.0.1:${port}/client/v4`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  get depth(): number {
    return this.#messages.size;
  }

  /** Puts a message in as a producer of Cloudflare does: R2 sends `json`. */
  produce(body: unknown, contentType: "json" | "text" | "bytes" | "v8" = "json", delaySeconds = 0): void {
    const plain = typeof body === "string" && contentType !== "json" ? body : JSON.stringify(body);
    const nowMs = Date.now();
    const id = randomUUID().replaceAll("-", "");
    this.#messages.set(id, {
      id,
      wire: contentType === "text" ? plain : Buffer.from(plain).toString("base64"),
      contentType,
      sentAtMs: nowMs,
      visibleAtMs: nowMs + delaySeconds * 1_000,
      attempts: 0,
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const refusal = this.refusals.shift();
    const answer = refusal ?? this.#answer(request, body);
    response.writeHead(answer.status, { "content-type": "application/json" }).end(answer.body);
  }

  #answer({ method, url = "", headers }: IncomingMessage, body: string): { status: number; body: string } {
    const base = `/client/v4/accounts/${ACCOUNT}/queues/${QUEUE}/messages`;
    this.paths.push(url.slice(base.length));
    if (headers.authorization !== `Bearer ${TOKEN}`) return failure(403, 10_000, "Authentication error");
    if (method !== "POST" || !url.startsWith(base)) return failure(404, 11_000, "queue not found");
    try {
      const given: unknown = JSON.parse(body);
      switch (url.slice(base.length)) {
        case "":
          return success(this.#push([message.parse(given)]));
        case "/batch":
          return success(this.#push(batch.parse(given).messages));
        case "/pull":
          return success(this.#pull(pull.parse(given)));
        case "/ack":
          return success(this.#ack(ack.parse(given)));
        default:
          return failure(404, 10_001, "no such method");
      }
    } catch (error) {
      return failure(400, 10_026, error instanceof Error ? error.message : String(error));
    }
  }

  #push(messages: readonly z.infer<typeof message>[]) {
    for (const { body, content_type: contentType, delay_seconds: delaySeconds } of messages) {
      if (Buffer.byteLength(JSON.stringify(body)) > MAX_MESSAGE_BYTES) throw new Error("message is too large");
      this.produce(body, contentType, delaySeconds);
    }
    return {};
  }

  #pull({ batch_size: size, visibility_timeout_ms: visibilityMs }: z.infer<typeof pull>) {
    const nowMs = Date.now();
    for (const [id, { attempts, visibleAtMs }] of this.#messages) {
      if (visibleAtMs <= nowMs && attempts > this.maxRetries) this.#messages.delete(id);
    }
    const visible = [...this.#messages.values()].filter(({ visibleAtMs }) => visibleAtMs <= nowMs).slice(0, size);
    const messages = visible.map((stored) => {
      stored.attempts++;
      stored.visibleAtMs = nowMs + visibilityMs;
      const leaseId = randomBytes(24).toString("base64url");
      this.#leases.set(leaseId, stored.id);
      return {
        body: stored.wire,
        id: stored.id,
        timestamp_ms: stored.sentAtMs,
        attempts: stored.attempts,
        metadata: { "CF-sourceMessageSource": "http", "CF-Content-Type": stored.contentType },
        lease_id: leaseId,
      };
    });
    return { message_backlog_count: this.#messages.size, messages };
  }

  #ack({ acks, retries }: z.infer<typeof ack>) {
    const warnings: Record<string, string> = {};
    const take = (leaseId: string): Stored | undefined => {
      const stored = this.#messages.get(this.#leases.get(leaseId) ?? "");
      this.#leases.delete(leaseId);
      if (stored === undefined) warnings[leaseId] = "lease is unknown or was used";
      return stored;
    };
    const acked = acks.flatMap(({ lease_id: leaseId }) => take(leaseId) ?? []);
    for (const { id } of acked) this.#messages.delete(id);
    const retried = retries.flatMap(({ lease_id: leaseId, delay_seconds: delaySeconds = 0 }) => {
      const stored = take(leaseId);
      if (stored !== undefined) stored.visibleAtMs = Date.now() + delaySeconds * 1_000;
      return stored ?? [];
    });
    return { ackCount: acked.length, retryCount: retried.length, warnings };
  }
}

function success(result: unknown): { status: number; body: string } {
  return { status: 200, body: JSON.stringify({ success: true, errors: [], messages: [], result }) };
}

function failure(status: number, code: number, text: string): { status: number; body: string } {
  return {
    status,
    body: JSON.stringify({ success: false, errors: [{ code, message: text }], messages: [], result: null }),
  };
}
