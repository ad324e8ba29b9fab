/**
 * A worker's hold on the task that it works on: it says every few seconds that it lives and how far it is, and hears that
 * the task is to be canceled or is another's.
 *
 * @module
 */
import type { Task, TaskDocument } from "../../shared/api/tasks.ts";
import { MaxleafError, toMaxleafError } from "../../shared/errors.ts";
import type { Clock } from "../../shared/ports.ts";
import { FINISHED, SETTLED, type TaskRecord } from "./task-record.ts";
import { SILENCE_MS, type TaskStore } from "./task-store.ts";

/** How long a task is a dead worker's. As long as the queue hides its message. */
export const LEASE_MS = 120_000;
/** A look at the task each time, and a write when there is news or half of the lease is over. R2 takes one a second and key. */
export const BEAT_MS = 3_000;

export interface TaskSessionOptions {
  tasks: TaskStore;
  /** As it was claimed. */
  record: TaskRecord;
  holder: string;
  clock: Clock;
  leaseMs: number;
  beatMs: number;
  onLog: (line: string) => void;
}

/** Ended by `stop`. */
export class TaskSession {
  readonly #options: TaskSessionOptions;
  readonly #cancel = new AbortController();
  readonly #lost = new AbortController();
  readonly #documents: TaskDocument[];
  readonly #timer: NodeJS.Timeout;
  #progress: number;
  #isNews = false;
  #leaseUntilMs: number;
  #beating: Promise<void> | undefined;

  constructor(options: TaskSessionOptions) {
    this.#options = options;
    const { record } = options;
    this.#documents = (record.task.documents ?? []).map((document) => ({ ...document }));
    this.#progress = record.task.progress;
    this.#leaseUntilMs = record.lease?.untilMs ?? 0;
    this.#timer = setInterval(() => void this.beat(), options.beatMs);
  }

  get record(): TaskRecord {
    return this.#options.record;
  }

  /** Somebody asked for the task to be canceled. */
  get canceled(): AbortSignal {
    return this.#cancel.signal;
  }

  /** Another worker has the task, or it is over: nothing that is done for it counts any more. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** In the order of the task's inputs. */
  get documents(): readonly TaskDocument[] {
    return this.#documents;
  }

  /** Changes document `at`; stored with the next beat. */
  setDocument(at: number, change: Partial<TaskDocument>): void {
    const document = this.#documents[at];
    if (document === undefined) throw new RangeError(`the task has no document ${at}`);
    Object.assign(document, change);
    this.#progress = progressOf(this.#documents);
    this.#isNews = true;
  }

  /** Share of the work that is done, 0 … 1; it never goes back. */
  setProgress(share: number): void {
    if (share <= this.#progress) return;
    this.#progress = Math.min(share, 1);
    this.#isNews = true;
  }

  /** Stores what is new, at once. Never throws: what cannot be stored now is with the next beat. */
  async beat(): Promise<void> {
    this.#beating ??= this.#beat().finally(() => (this.#beating = undefined));
    await this.#beating;
  }

  /** Ends the beats, one that is under way included. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#beating;
  }

  /**
   * Stores how the work ended: what `end` makes of the task as it is now, with the news in it. The lease stays.
   *
   * @throws MaxleafError `precondition_failed` when the task is not this worker's any more; as `TaskStore.update`.
   */
  async settle(end: (record: TaskRecord) => TaskRecord): Promise<TaskRecord> {
    const { tasks, record } = this.#options;
    return await tasks.update(record.task.id, (current) => end(this.#withNews(this.#requireMine(current))));
  }

  async #beat(): Promise<void> {
    const { tasks, record, clock, leaseMs, onLog } = this.#options;
    const { id } = record.task;
    try {
      const isLeaseLow = this.#leaseUntilMs - clock.nowMs() < leaseMs / 2;
      if (!this.#isNews && !isLeaseLow) {
        this.#hear(this.#requireMine(await tasks.readRecord(id)));
        return;
      }
      this.#isNews = false;
      const untilMs = clock.nowMs() + leaseMs;
      const written = await tasks.update(id, (current) => ({
        ...this.#withNews(this.#requireMine(current)),
        lease: { holder: this.#options.holder, untilMs },
        dueAtMs: clock.nowMs() + SILENCE_MS,
      }));
      this.#leaseUntilMs = untilMs;
      this.#hear(written);
    } catch (error) {
      this.#isNews = true;
      if (this.#lost.signal.aborted) return;
      const { code, message } = toMaxleafError(error);
      // Removed by hand, say.
      if (code === "task_not_found") this.#lost.abort();
      onLog(`task ${id} could not be told how far it is: ${message}`);
    }
  }

  #hear({ task }: TaskRecord): void {
    if (task.cancelRequestedAt !== undefined) this.#cancel.abort();
  }

  #requireMine(current: TaskRecord): TaskRecord {
    if (current.lease?.holder === this.#options.holder && !FINISHED.has(current.task.status)) return current;
    this.#lost.abort();
    throw new MaxleafError("precondition_failed", `task ${current.task.id} is another worker's by now`);
  }

  #withNews(current: TaskRecord): TaskRecord {
    const documents = current.task.documents && this.#documents.map((document) => ({ ...document }));
    const task: Task = { ...current.task, progress: this.#progress, ...(documents && { documents }) };
    return { ...current, task };
  }
}

/** Share of the documents that are done, each counted by its pages. */
function progressOf(documents: readonly TaskDocument[]): number {
  const shares = documents.map(({ status, pageCount = 0, pagesDone }) => {
    if (SETTLED.has(status)) return 1;
    return pageCount === 0 ? 0 : Math.min(1, pagesDone / pageCount);
  });
  return shares.reduce((sum, share) => sum + share, 0) / Math.max(1, documents.length);
}
