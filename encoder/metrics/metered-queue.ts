/**
 * A queue whose messages are counted, and whose backlog is looked at when the metrics are read.
 *
 * @module
 */
import { Counter, Gauge } from "prom-client";
import { type Clock, systemClock } from "../../shared/ports.ts";
import type { JobQueue, QueueBacklog, QueueMessage, ReceiveOptions } from "../queue/queue.ts";
import { registry } from "./registry.ts";

/** A look at the backlog is a request to the queue: readers of the metrics share one for so long. */
const BACKLOG_AGE_MS = 10_000;

const registers = [registry];
const received = new Counter({
  name: "maxleaf_queue_received_total",
  help: "Messages that this process took from the queue, by whether somebody had them before.",
  labelNames: ["delivery"] as const,
  registers,
});
const settled = new Counter({
  name: "maxleaf_queue_settled_total",
  help: "Messages that this process was done with: acknowledged, or set aside as dead letters.",
  labelNames: ["outcome"] as const,
  registers,
});
for (const delivery of ["first", "repeated"] as const) received.inc({ delivery }, 0);
for (const outcome of ["acknowledged", "set_aside"] as const) settled.inc({ outcome }, 0);

/** Whose backlog is shown: the queue that this process works on. */
let shown: MeteredQueue | undefined;

registry.registerMetric(
  new Gauge({
    name: "maxleaf_queue_messages",
    help: "Messages in the queue: waiting to be received, or hidden because they are worked on or given back for later.",
    labelNames: ["state"] as const,
    registers: [],
    async collect() {
      const backlog = await shown?.look();
      // Of a queue that is out of reach an old number would mislead.
      this.reset();
      if (backlog === undefined) return;
      this.set({ state: "waiting" }, backlog.waiting);
      this.set({ state: "hidden" }, backlog.hidden);
    },
  }),
);
registry.registerMetric(
  new Gauge({
    name: "maxleaf_queue_oldest_message_age_seconds",
    help: "For how long the oldest waiting message could have been received; NaN where the queue cannot tell.",
    registers: [],
    async collect() {
      const oldestMs = (await shown?.look())?.oldestWaitingMs;
      this.set(oldestMs === undefined ? Number.NaN : oldestMs / 1_000);
    },
  }),
);

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
    for (const { receiveCount } of messages) received.inc({ delivery: receiveCount > 1 ? "repeated" : "first" });
    return messages;
  }

  async extend(message: QueueMessage, visibilityMs: number): Promise<boolean> {
    return await this.#queue.extend(message, visibilityMs);
  }

  async ack(messages: readonly QueueMessage[]): Promise<void> {
    await this.#queue.ack(messages);
    settled.inc({ outcome: "acknowledged" }, messages.length);
  }

  async fail(message: QueueMessage, reason: string): Promise<void> {
    await this.#queue.fail(message, reason);
    settled.inc({ outcome: "set_aside" });
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
