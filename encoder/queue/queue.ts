/**
 * The queue port: work that must be done at least once, by any number of workers. Adapters beside it: a local SQLite file,
 * SQS and Cloudflare Queues.
 *
 * A received message is hidden from others for `visibilityMs`. Whoever works on it extends that, and acks it when what it
 * asks for is durable. A worker that dies does neither: the message shows again and another worker takes it. One that was
 * received MAX_RECEIVES times and never acked is a dead letter.
 *
 * @module
 */

/**
 * Times a message is handed out before it is a dead letter. Ours, as Quickwit's file source over SQS has it: a worker or
 * two may be replaced while they have it, and a message that kills workers does not go on for ever.
 */
export const MAX_RECEIVES = 5;
/** Messages of one `receive` or `send`. */
export const MAX_MESSAGES_AT_ONCE = 10;
/** Bytes of a message's body. Ours: a notification has 1 or 2 kB, and this is what SQS-compatible servers take. */
export const MAX_BODY_BYTES = 256 * 1024;
/** Longest a message can be hidden: SQS's and Cloudflare Queues' limit, 12 h. */
export const MAX_VISIBILITY_MS = 12 * 60 * 60 * 1_000;
/** Longest a `receive` can wait: SQS's long polling. */
export const MAX_WAIT_MS = 20_000;

export interface QueueMessage {
  /** The same each time it is delivered. */
  id: string;
  body: string;
  /** Times it was delivered, this one included. */
  receiveCount: number;
  /** Of this delivery. */
  receipt: string;
}

export interface ReceiveOptions {
  /** Messages, 1 to MAX_MESSAGES_AT_ONCE. */
  max: number;
  /** How long to wait for the first one, to MAX_WAIT_MS. */
  waitMs: number;
  /** How long they are hidden from others, to MAX_VISIBILITY_MS. Adapters may round up to seconds. */
  visibilityMs: number;
  /** Ends the waiting, with no messages. */
  signal?: AbortSignal | undefined;
}

/** A message that is not delivered any more. */
export interface DeadLetter {
  id: string;
  body: string;
  receiveCount: number;
  /** Why, for people. */
  reason: string;
  failedAtMs: number;
}

/** How much there is to do. Numbers of queues that are spread over machines are approximate. */
export interface QueueBacklog {
  /** Messages that could be received now. */
  waiting: number;
  /** Messages that are hidden: being worked on, or given back for later. */
  hidden: number;
  /** For how long the oldest of `waiting` could have been received; 0 without any, undefined where the queue cannot tell. */
  oldestWaitingMs: number | undefined;
}

/** Errors of every method: `queue_unavailable` when the queue cannot be reached; `invalid_request` for options outside the limits. */
export interface JobQueue {
  /** For people: where the queue is. */
  readonly description: string;
  /**
   * The queue cannot hide a message for longer while it is worked on: `extend` gives it back for later, and that ends the
   * delivery. Whoever receives must ask for long enough.
   */
  readonly cannotExtend?: true | undefined;
  /** Puts messages into the queue. Durable when it returns. */
  send(bodies: readonly string[]): Promise<void>;
  /** Up to `max` messages, none when none came in time. The oldest first, as far as the queue can tell. */
  receive(options: ReceiveOptions): Promise<QueueMessage[]>;
  /**
   * Hides a message for `visibilityMs` from now; with 0 it is given back and shows at once. False when this delivery has
   * run out and the message was deleted or is another worker's: what is being done for it will be done twice.
   */
  extend(message: QueueMessage, visibilityMs: number): Promise<boolean>;
  /** Removes messages that are done. Those whose delivery has run out may stay: they are delivered again. */
  ack(messages: readonly QueueMessage[]): Promise<void>;
  /** Sets a message aside as a dead letter. Nothing happens when this delivery has run out. */
  fail(message: QueueMessage, reason: string): Promise<void>;
  /** What waits, for those who decide how many workers there are. Absent where the queue cannot tell. */
  backlog?(): Promise<QueueBacklog>;
  close(): void;
}

/** What a dead letter says that was delivered too often and about which no worker left a word. */
export function unfinishedReason(receiveCount: number): string {
  return `delivered ${receiveCount} times and never finished: its workers died or took longer than they held it`;
}
