/**
 * The queue in a SQLite file: durable, shared by any number of processes of one machine, nothing to install.
 *
 * A change is on the disk when a method returns (`synchronous = FULL`). The file must not lie on a network file system,
 * where SQLite's locks do not hold. There is no notice of new messages between processes: `receive` looks again every
 * POLL_INTERVAL_MS.
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { type Clock, systemClock } from "../../shared/ports.ts";
import { checkBody, checkReceive, checkVisibility } from "./checks.ts";
import {
  type DeadLetter,
  type JobQueue,
  MAX_RECEIVES,
  type QueueBacklog,
  type QueueMessage,
  type ReceiveOptions,
  unfinishedReason,
} from "./queue.ts";

const SCHEMA_VERSION = 1;
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    body TEXT NOT NULL,
    visible_at_ms INTEGER NOT NULL,
    receive_count INTEGER NOT NULL DEFAULT 0,
    receipt TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS messages_by_visibility ON messages (visible_at_ms, seq);
  CREATE TABLE IF NOT EXISTS dead_letters (
    id TEXT PRIMARY KEY,
    body TEXT NOT NULL,
    receive_count INTEGER NOT NULL,
    reason TEXT NOT NULL,
    failed_at_ms INTEGER NOT NULL
  ) STRICT;`;

/** How long a process waits for another's transaction: ten messages take 5 to 7 ms, sync of a busy disk included. */
const LOCK_TIMEOUT_MS = 10_000;
/** A look at an empty queue costs 0.07 ms; a document waits this long at most before its work begins. */
const POLL_INTERVAL_MS = 200;

const messageRow = z.object({ seq: z.int(), id: z.string(), body: z.string(), receive_count: z.int() });
const deadRow = z.object({
  id: z.string(),
  body: z.string(),
  receive_count: z.int(),
  reason: z.string(),
  failed_at_ms: z.int(),
});
const backlogRow = z.object({ waiting: z.int(), since_ms: z.int().nullable(), total: z.int() });
const countRow = z.object({ count: z.int() });
const versionRow = z.object({ user_version: z.int() });

export class LocalQueue implements JobQueue {
  readonly description: string;
  readonly #database: DatabaseSync;
  readonly #clock: Clock;

  private constructor(path: string, database: DatabaseSync, clock: Clock) {
    this.description = `the queue in ${path}`;
    this.#database = database;
    this.#clock = clock;
  }

  /**
   * The queue in the file at `path`, made when absent.
   *
   * @throws MaxleafError `queue_unavailable` when the file cannot be used; `unsupported_format_version`.
   */
  static open(path: string, { clock = systemClock }: { clock?: Clock } = {}): LocalQueue {
    const absolute = resolve(path);
    const queue = new LocalQueue(absolute, openDatabase(absolute), clock);
    try {
      queue.#createTables(absolute);
      return queue;
    } catch (error) {
      queue.close();
      throw unavailable(queue.description, error);
    }
  }

  async send(bodies: readonly string[]): Promise<void> {
    for (const body of bodies) checkBody(body);
    this.#transact(() => {
      const insert = this.#database.prepare("INSERT INTO messages (id, body, visible_at_ms) VALUES (?, ?, ?)");
      for (const body of bodies) insert.run(randomUUID(), body, this.#clock.nowMs());
    });
  }

  async receive(options: ReceiveOptions): Promise<QueueMessage[]> {
    checkReceive(options);
    const { waitMs, signal } = options;
    const untilMs = this.#clock.nowMs() + waitMs;
    for (;;) {
      if (signal?.aborted === true) return [];
      const messages = this.#take(options);
      const leftMs = untilMs - this.#clock.nowMs();
      if (messages.length > 0 || leftMs <= 0) return messages;
      await sleep(Math.min(POLL_INTERVAL_MS, leftMs), undefined, { signal }).catch(() => undefined);
    }
  }

  async extend({ id, receipt }: QueueMessage, visibilityMs: number): Promise<boolean> {
    checkVisibility(visibilityMs);
    const untilMs = this.#clock.nowMs() + visibilityMs;
    return this.#transact(() => {
      const update = this.#database.prepare("UPDATE messages SET visible_at_ms = ? WHERE id = ? AND receipt = ?");
      return Number(update.run(untilMs, id, receipt).changes) > 0;
    });
  }

  async ack(messages: readonly QueueMessage[]): Promise<void> {
    this.#transact(() => {
      const remove = this.#database.prepare("DELETE FROM messages WHERE id = ? AND receipt = ?");
      for (const { id, receipt } of messages) remove.run(id, receipt);
    });
  }

  async fail({ id, receipt }: QueueMessage, reason: string): Promise<void> {
    this.#transact(() => {
      const find = this.#database.prepare(
        "SELECT seq, id, body, receive_count FROM messages WHERE id = ? AND receipt = ?",
      );
      const row = messageRow.optional().parse(find.get(id, receipt));
      if (row !== undefined) this.#bury(row, reason);
    });
  }

  /** Messages that were set aside, the last ones first. */
  deadLetters({ limit = 100 }: { limit?: number } = {}): DeadLetter[] {
    return this.#transact(() => {
      const rows = this.#database
        .prepare("SELECT * FROM dead_letters ORDER BY failed_at_ms DESC, id LIMIT ?")
        .all(limit);
      return z
        .array(deadRow)
        .parse(rows)
        .map((row) => ({
          id: row.id,
          body: row.body,
          receiveCount: row.receive_count,
          reason: row.reason,
          failedAtMs: row.failed_at_ms,
        }));
    });
  }

  async backlog(): Promise<QueueBacklog> {
    return this.#transact(() => {
      const nowMs = this.#clock.nowMs();
      const row = backlogRow.parse(
        this.#database
          .prepare(
            "SELECT count(*) AS waiting, min(visible_at_ms) AS since_ms, (SELECT count(*) FROM messages) AS total FROM messages WHERE visible_at_ms <= ?",
          )
          .get(nowMs),
      );
      const { waiting, total } = row;
      return { waiting, hidden: total - waiting, oldestWaitingMs: nowMs - (row.since_ms ?? nowMs) };
    });
  }

  /** Messages that are waiting or being worked on. */
  depth(): number {
    return this.#transact(
      () => countRow.parse(this.#database.prepare("SELECT count(*) AS count FROM messages").get()).count,
    );
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close();
  }

  #createTables(path: string): void {
    this.#database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    this.#transact(() => {
      const { user_version: version } = versionRow.parse(this.#database.prepare("PRAGMA user_version").get());
      if (version > SCHEMA_VERSION) {
        const message = `${quote(path)} is a queue of version ${version}; this program knows version ${SCHEMA_VERSION}`;
        throw new MaxleafError("unsupported_format_version", message);
      }
      this.#database.exec(`${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION};`);
    });
  }

  /** Hides and gives the oldest visible messages; those that were delivered too often become dead letters instead. */
  #take({ max, visibilityMs }: ReceiveOptions): QueueMessage[] {
    return this.#transact(() => {
      const nowMs = this.#clock.nowMs();
      const find = this.#database.prepare(
        "SELECT seq, id, body, receive_count FROM messages WHERE visible_at_ms <= ? ORDER BY visible_at_ms, seq LIMIT ?",
      );
      const hide = this.#database.prepare(
        "UPDATE messages SET visible_at_ms = ?, receive_count = receive_count + 1, receipt = ? WHERE seq = ?",
      );
      const taken: QueueMessage[] = [];
      for (const row of z.array(messageRow).parse(find.all(nowMs, max))) {
        if (row.receive_count >= MAX_RECEIVES) {
          this.#bury(row, unfinishedReason(row.receive_count));
          continue;
        }
        const receipt = randomUUID();
        hide.run(nowMs + visibilityMs, receipt, row.seq);
        taken.push({ id: row.id, body: row.body, receiveCount: row.receive_count + 1, receipt });
      }
      return taken;
    });
  }

  #bury({ seq, id, body, receive_count: count }: z.infer<typeof messageRow>, reason: string): void {
    this.#database
      .prepare("INSERT INTO dead_letters (id, body, receive_count, reason, failed_at_ms) VALUES (?, ?, ?, ?, ?)")
      .run(id, body, count, reason, this.#clock.nowMs());
    this.#database.prepare("DELETE FROM messages WHERE seq = ?").run(seq);
  }

  /** All of `work` or nothing. The write lock is taken at once: a lock upgraded midway can fail without waiting. */
  #transact<T>(work: () => T): T {
    try {
      this.#database.exec("BEGIN IMMEDIATE");
      try {
        const result = work();
        this.#database.exec("COMMIT");
        return result;
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
        throw error;
      }
    } catch (error) {
      throw unavailable(this.description, error);
    }
  }
}

function openDatabase(path: string): DatabaseSync {
  try {
    mkdirSync(dirname(path), { recursive: true });
    return new DatabaseSync(path, { timeout: LOCK_TIMEOUT_MS });
  } catch (error) {
    throw unavailable(`the queue in ${path}`, error);
  }
}

function unavailable(queue: string, cause: unknown): MaxleafError {
  if (cause instanceof MaxleafError) return cause;
  const because = cause instanceof Error ? cause.message : String(cause);
  return new MaxleafError("queue_unavailable", `${queue} cannot be used: ${because}`, { cause });
}
