/**
 * Keeps tasks from being forgotten: those that nobody was heard of for too long get another message, those that are over
 * and not tidied up are tidied up, and old ones are removed.
 *
 * Every worker has one. Two at a time do no harm: who changes the task first sends the message.
 *
 * @module
 */
import PQueue from "p-queue";
import { MaxleafError, toMaxleafError } from "../../shared/errors.ts";
import { MAX_CONCURRENT_READS } from "../../shared/limits.ts";
import { type Clock, systemClock } from "../../shared/ports.ts";
import { layout, OPEN_TASKS_PREFIX, TASKS_PREFIX, UPLOADS_PREFIX } from "../../shared/store/layout.ts";
import { listAll } from "../maintenance/list-all.ts";
import { createdAtMs, isTaskId } from "./task-id.ts";
import { FINISHED, type TaskRecord } from "./task-record.ts";
import { SILENCE_MS, type TaskStore } from "./task-store.ts";

/** Between two rounds. A webhook's next attempt is late by as much. Ours. */
export const KEEP_MS = 2 * 60 * 1_000;
/** Markers of one round; the next goes on behind them. A read each. */
const MAX_KEPT = 500;
/** A silent task gets its messages after 15 and 30 minutes, 1, 2 and 4 hours, and then every 4 hours. */
const MAX_DOUBLINGS = 4;
/** Between two sweeps. */
const SWEEP_MS = 6 * 60 * 60 * 1_000;
const DAY_MS = 24 * 60 * 60 * 1_000;
/** How long a task that is over can be looked up. Ours. */
export const TASK_RETENTION_MS = 30 * DAY_MS;
/** Uploads that no task wants any more, or never did. Ours; tasks of a week's backlog have theirs until they are over. */
export const UPLOAD_RETENTION_MS = 7 * DAY_MS;
/** A marker whose task is not there: whoever wrote it has died before the next write, unless that was just now. */
const MARKER_GRACE_MS = 60 * 60 * 1_000;

export interface TaskKeeperOptions {
  tasks: TaskStore;
  /** See close-task.ts. */
  close: (record: TaskRecord) => Promise<void>;
  onLog?: ((line: string) => void) | undefined;
  clock?: Clock | undefined;
}

export class TaskKeeper {
  readonly #options: TaskKeeperOptions;
  readonly #clock: Clock;
  /** Where the next round goes on. */
  #cursor: string | undefined;
  #sweptAtMs = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> | undefined;

  constructor(options: TaskKeeperOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** A round now, and one every KEEP_MS until `stop`. */
  async start(keepMs: number = KEEP_MS): Promise<void> {
    this.#timer = setInterval(() => void this.round(), keepMs);
    await this.round();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#working;
  }

  /** Never throws: what fails now is done by a later round. */
  async round(): Promise<void> {
    this.#working ??= this.#round().finally(() => (this.#working = undefined));
    await this.#working;
  }

  async #round(): Promise<void> {
    const { store } = this.#options.tasks;
    try {
      const cursor = this.#cursor === undefined ? {} : { cursor: this.#cursor };
      this.#cursor = undefined;
      const page = await store.list(OPEN_TASKS_PREFIX, { limit: MAX_KEPT, ...cursor });
      this.#cursor = page.cursor;
      const ids = page.objects.map(({ key }) => key.slice(OPEN_TASKS_PREFIX.length)).filter(isTaskId);
      const queue = new PQueue({ concurrency: MAX_CONCURRENT_READS });
      await queue.addAll(ids.map((id) => async () => await this.#keep(id)));
      if (this.#clock.nowMs() - this.#sweptAtMs < SWEEP_MS) return;
      await this.sweep();
      this.#sweptAtMs = this.#clock.nowMs();
    } catch (error) {
      this.#log(`tasks were not looked after: ${toMaxleafError(error).message}`);
    }
  }

  async #keep(id: string): Promise<void> {
    try {
      const record = await this.#options.tasks.readRecord(id);
      if (FINISHED.has(record.task.status)) {
        if (record.dueAtMs <= this.#clock.nowMs()) await this.#options.close(record);
      } else if (record.dueAtMs <= this.#clock.nowMs()) await this.#resend(record);
    } catch (error) {
      const { code, message } = toMaxleafError(error);
      if (code === "task_not_found") await this.#removeMarker(id);
      else this.#log(`task ${id} was not looked after: ${message}`);
    }
  }

  /** The task first: if the message is not sent, the next round after that finds it silent again. */
  async #resend({ task: { id }, changeId }: TaskRecord): Promise<void> {
    const { tasks } = this.#options;
    const nowMs = this.#clock.nowMs();
    let isMine = false;
    await tasks.update(id, (current) => {
      // Somebody was heard of, or another keeper has sent it.
      isMine = current.changeId === changeId;
      if (!isMine) return undefined;
      const pauseMs = SILENCE_MS * 2 ** Math.min(MAX_DOUBLINGS, current.resends);
      return { ...current, dueAtMs: nowMs + pauseMs, resends: current.resends + 1 };
    });
    if (!isMine) return;
    await tasks.send(id);
    this.#log(`task ${id} was silent for too long: it got another message`);
  }

  async #removeMarker(id: string): Promise<void> {
    if (this.#clock.nowMs() - createdAtMs(id) < MARKER_GRACE_MS) return;
    await this.#options.tasks.store.delete([layout.openTask(id)]);
  }

  /**
   * Removes tasks that have been over for long, and uploads that nobody wants. Costs a listing of both.
   *
   * Errors: `store_unavailable`; `corrupt_data` for an open task: then it is unknown which uploads it wants.
   */
  async sweep(): Promise<void> {
    const { store } = this.#options.tasks;
    const nowMs = this.#clock.nowMs();
    const open = new Set<string>();
    for await (const { key } of listAll(store, OPEN_TASKS_PREFIX)) open.add(key.slice(OPEN_TASKS_PREFIX.length));
    for await (const { key } of listAll(store, TASKS_PREFIX)) {
      const id = key.slice(TASKS_PREFIX.length);
      const isOld = isTaskId(id) && nowMs - createdAtMs(id) > TASK_RETENTION_MS;
      if (isOld && !open.has(id)) await store.delete([key]);
    }
    await this.#sweepUploads(open);
  }

  async #sweepUploads(open: ReadonlySet<string>): Promise<void> {
    const { store } = this.#options.tasks;
    const nowMs = this.#clock.nowMs();
    let wanted: ReadonlySet<string> | undefined;
    for await (const { key, lastModifiedMs } of listAll(store, UPLOADS_PREFIX)) {
      if (nowMs - lastModifiedMs < UPLOAD_RETENTION_MS) continue;
      // Read only when there is anything to remove.
      wanted ??= await this.#wantedUploads(open);
      if (!wanted.has(key)) await store.delete([key]);
    }
  }

  async #wantedUploads(open: ReadonlySet<string>): Promise<Set<string>> {
    const wanted = new Set<string>();
    for (const id of open) {
      const record = await this.#readIfThere(id);
      for (const { source } of record?.inputs ?? []) {
        if (source.kind === "upload") wanted.add(layout.upload(source.uploadId));
      }
    }
    return wanted;
  }

  async #readIfThere(id: string): Promise<TaskRecord | undefined> {
    try {
      return await this.#options.tasks.readRecord(id);
    } catch (error) {
      if (error instanceof MaxleafError && error.code === "task_not_found") return undefined;
      throw error;
    }
  }

  #log(line: string): void {
    this.#options.onLog?.(line);
  }
}
