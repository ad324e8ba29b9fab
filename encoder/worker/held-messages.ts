/**
 * The messages that a worker has, kept from other workers by a heartbeat.
 *
 * @module
 */
import { toMaxleafError } from "../../shared/errors.ts";
import type { JobQueue, QueueMessage, ReceiveOptions } from "../queue/queue.ts";

/** How long a dead worker's messages wait for another. */
const HOLD_MS = 120_000;
/**
 * The same for a queue that cannot hold a message any longer once it was received (Cloudflare Queues). What takes longer is
 * given to another worker too and done twice, to the same effect; what a dead worker had waits for so long.
 */
const UNEXTENDABLE_HOLD_MS = 60 * 60 * 1_000;
/** Three heartbeats may fail before a hold runs out. */
const HEARTBEAT_MS = 30_000;

export interface HoldTimes {
  holdMs?: number | undefined;
  heartbeatMs?: number | undefined;
}

export class HeldMessages {
  /** All that were received. */
  readonly messages: QueueMessage[] = [];
  readonly #queue: JobQueue;
  readonly #onLog: (line: string) => void;
  readonly #holdMs: number;
  readonly #lost = new Set<QueueMessage>();
  readonly #released = new Set<QueueMessage>();
  readonly #timer: NodeJS.Timeout;
  #beating: Promise<void> | undefined;
  #stopped = false;

  constructor(
    queue: JobQueue,
    onLog: (line: string) => void,
    { holdMs = queue.cannotExtend ? UNEXTENDABLE_HOLD_MS : HOLD_MS, heartbeatMs = HEARTBEAT_MS }: HoldTimes = {},
  ) {
    this.#queue = queue;
    this.#onLog = onLog;
    this.#holdMs = holdMs;
    this.#timer = setInterval(() => {
      if (queue.cannotExtend) return;
      // A queue that answers slowly must not be asked by several heartbeats at a time.
      this.#beating ??= this.#beat().finally(() => (this.#beating = undefined));
    }, heartbeatMs);
  }

  /** Adds what the queue gives; the number of messages. Errors: those of `JobQueue.receive`. */
  async receive(options: Omit<ReceiveOptions, "visibilityMs">): Promise<number> {
    const received = await this.#queue.receive({ ...options, visibilityMs: this.#holdMs });
    this.messages.push(...received);
    return received.length;
  }

  /** Those that are not released. */
  get held(): QueueMessage[] {
    return this.messages.filter((message) => !this.#released.has(message));
  }

  /** Holds a message no more: it is about to be settled. A heartbeat that is under way would hold it again. */
  async release(message: QueueMessage): Promise<void> {
    this.#released.add(message);
    await this.#beating;
  }

  /** Ends the heartbeat, one that is under way included: what is not settled within the hold is delivered again. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopped = true;
    await this.#beating;
  }

  /** Never throws: a heartbeat that fails is tried again by the next. */
  async #beat(): Promise<void> {
    for (const message of this.messages) {
      if (this.#stopped) return;
      if (this.#lost.has(message) || this.#released.has(message)) continue;
      try {
        if (await this.#queue.extend(message, this.#holdMs)) continue;
        this.#lost.add(message);
        this.#onLog(`message ${message.id} is no longer held; another worker may do it again, to the same effect`);
      } catch (error) {
        this.#onLog(`message ${message.id} could not be held longer: ${toMaxleafError(error).message}`);
      }
    }
  }
}
