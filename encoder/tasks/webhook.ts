/**
 * Webhooks: a POST of a task that is over, signed as Standard Webhooks (standardwebhooks.com) has it.
 *
 * Delivered at least once, with the same `webhook-id` each time: a receiver that has seen it answers 200 and does nothing.
 *
 * @module
 */
import { Webhook } from "standardwebhooks";
import type { Task } from "../../shared/api/tasks.ts";
import { MaxleafError, toMaxleafError } from "../../shared/errors.ts";
import { type Clock, systemClock } from "../../shared/ports.ts";
import type { PostWebhook } from "./ports.ts";

/** The specification's: 15 to 30 s. */
const TIMEOUT_MS = 20_000;
/** The specification's: below 20 kB where possible. A task with more leaves its documents out; the API has them. Ours. */
const MAX_BODY_BYTES = 256 * 1024;
/** The specification's: 24 to 64 bytes. */
const MIN_SECRET_BYTES = 24;
const MAX_SECRET_BYTES = 64;
const SECRET = /^(?:whsec_)?([A-Za-z0-9+/]+={0,2})$/;
/** The receiver wants no more of them. */
const GONE_STATUS = 410;

/** `isFinal`: another attempt is of no use. */
export type Delivery = { delivered: true } | { delivered: false; reason: string; isFinal: boolean };

export class WebhookSender {
  readonly #webhook: Webhook;
  readonly #post: PostWebhook;
  readonly #clock: Clock;

  /** @throws MaxleafError `invalid_request` when `secret` is not 24 to 64 bytes in base64, with or without `whsec_`. */
  constructor(secret: string, post: PostWebhook, clock: Clock = systemClock) {
    const encoded = SECRET.exec(secret)?.[1] ?? "";
    const { byteLength } = Buffer.from(encoded, "base64");
    if (byteLength < MIN_SECRET_BYTES || byteLength > MAX_SECRET_BYTES) {
      const form = `${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES} random bytes in base64, after "whsec_"`;
      throw new MaxleafError("invalid_request", `MAXLEAF_WEBHOOK_SECRET is no secret: give ${form}`);
    }
    this.#webhook = new Webhook(encoded);
    this.#post = post;
    this.#clock = clock;
  }

  /** One attempt to tell `url` that `task` is over. Never throws. */
  async deliver(url: string, task: Task): Promise<Delivery> {
    const body = bodyOf(task);
    const now = new Date(this.#clock.nowMs());
    const id = webhookIdOf(task);
    const headers = {
      "content-type": "application/json",
      "webhook-id": id,
      "webhook-timestamp": String(Math.floor(now.getTime() / 1_000)),
      "webhook-signature": this.#webhook.sign(id, now, body),
    };
    try {
      const { status } = await this.#post(url, { headers, body, signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (status >= 200 && status < 300) return { delivered: true };
      return { delivered: false, reason: `it answered with status ${status}`, isFinal: status === GONE_STATUS };
    } catch (error) {
      const { code, message } = toMaxleafError(error);
      return { delivered: false, reason: `${code}: ${message}`, isFinal: code === "url_not_allowed" };
    }
  }
}

/** The same for every attempt. */
export function webhookIdOf({ id }: Task): string {
  return `task_${id}`;
}

/** `{"type": "task.succeeded", "timestamp": …, "data": <the task>}`. */
function bodyOf({ webhook: _webhook, ...task }: Task): string {
  const body = { type: `task.${task.status}`, timestamp: task.finishedAt, data: task };
  const text = JSON.stringify(body);
  if (Buffer.byteLength(text) <= MAX_BODY_BYTES) return text;
  const { documents: _documents, ...rest } = task;
  return JSON.stringify({ ...body, data: rest });
}
