/**
 * A queue whose messages are counted, and whose backlog is looked at when the metrics are read.
 *
 * @module
 */
import { type Clock, systemClock } from "../../shared/ports.ts";
import type { JobQueue, QueueBacklog, QueueMessage, ReceiveOptions } from "../queue/queue.ts";
import { countBy, lookedAt, lookedAtEach } from "./registry.ts";

/** A look at the backlog is a request to the queue: readers of the metrics share one for so long. */
const BACKLOG_AGE_MS = 10_000;

const countReceived = countBy(
  {
    name: "maxleaf_queue_received_total",
    help: "Messages that this process took from the queue, by whether somebody had them before.",
  },
  "delivery",
  ["first", "repeated"],
);
const countSettled = countBy(
  {
    name: "maxleaf_queue_settled_total",
    help: "Messages that this process had and has no more: acknowledged, given back to show again, or set aside as dead letters.",
  },
  "outcome",
  ["acknowledged", "given_back", "set_aside"],
);

/** Whose backlog is shown: the queue that this process works on. */
let shown: MeteredQueue | undefined;

lookedAtEach(
  {
    name: "maxleaf_queue_messages",
    help: "Messages in the queue: waiting to be received, or hidden because they are worked on or given back for later.",
  },
  "state",
  async (): Promise<Record<string, number>> => {
    const backlog = await shown?.look();
    // Of a queue that is out of reach an old number would mislead.
    return backlog === undefined ? {} : { waiting: backlog.waiting, hidden: backlog.hidden };
  },
);
lookedAt(
  {
    name: "maxleaf_queue_oldest_message_age_seconds",
    help: "For how long the oldest waiting message could have been received; NaN where the queue cannot tell.",
  },
  async () => ((await shown?.look())?.oldestWaitingMs ?? Number.NaN) / 1_000,
);

/** Counts a message that its worker gave back, now or for later: to the queue that is no different from holding it longer. */
export function countGivenBack(): void {
  countSettled("given_back");
}

/** The newest that is open is the one whose backlog the metrics show. */
export class MeteredQueue implements JobQueue {
  readonly #queue: JobQueue;
  readonly #clock: Clock;
  #looked: { atMs: number; backlog: Promise<QueueBacklog | undefined> } | undefined;

  constructor(queue: JobQueue, { clock = systemClock }: { clock?: Clock } = {}) {
    this.#queue = queue;
    this.#clock = clock;
    // oxlint-disable-next-line typescript/no-this-alias, unicorn/no-this-assignment -- a process has one set of metrics
    shown = this;
  }

  get description(): string {
    return this.#queue.description;
  }

  get cannotExtend(): true | undefined {
    return this.#queue.cannotExtend;
  }

  async send(bodies: readonly string[]): Promise<void> {
    await this.#queue.send(bodies);
  }

  async receive(options: ReceiveOptions): Promise<QueueMessage[]> {
    const messages = await this.#queue.receive(options);
    for (const { receiveCount } of messages) countReceived(receiveCount > 1 ? "repeated" : "first");
    return messages;
  }

  async extend(message: QueueMessage, visibilityMs: number): Promise<boolean> {
    return await this.#queue.extend(message, visibilityMs);
  }

  async ack(messages: readonly QueueMessage[]): Promise<void> {
    await this.#queue.ack(messages);
    countSettled("acknowledged", messages.length);
  }

  async fail(message: QueueMessage, reason: string): Promise<void> {
    await this.#queue.fail(message, reason);
    countSettled("set_aside");
  }

  close(): void {
    if (shown === this) shown = undefined;
    this.#queue.close();
  }

  /** The backlog as it is now, or was a moment ago; undefined when the queue cannot tell or is out of reach. */
  async look(): Promise<QueueBacklog | undefined> {
    const nowMs = this.#clock.nowMs();
    if (this.#looked === undefined || nowMs - this.#looked.atMs >= BACKLOG_AGE_MS) {
      const backlog = Promise.resolve(this.#queue.backlog?.()).catch(() => undefined);
      this.#looked = { atMs: nowMs, backlog };
    }
    return await this.#looked.backlog;
  }
}
