/**
 * Tasks in the bucket: an object each, a marker beside it until nothing is left to do, and a message in the queue.
 *
 * The marker is written first and removed last, so that a task whose message was never sent, or lost with its workers, is
 * found again by listing the markers; see task-keeper.ts.
 *
 * @module
 */
import { MaxleafError, quote, toMaxleafError } from "../../shared/errors.ts";
import { MAX_TASK_DOCUMENTS } from "../../shared/limits.ts";
import { parseDocumentName, parseIndexName } from "../../shared/names.ts";
import { type Clock, type Random, systemClock, systemRandom } from "../../shared/ports.ts";
import type { Task, TaskDocument } from "../../shared/api/tasks.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { countEndedTask } from "../metrics/task-metrics.ts";
import type { JobQueue } from "../queue/queue.ts";
import type { TaskListOptions, TaskRequest, Tasks } from "./contract.ts";
import { isTaskId, newTaskId, taskNotFound } from "./task-id.ts";
import { listTasks } from "./task-list.ts";
import { taskMessage } from "./task-message.ts";
import {
  decodeTask,
  encodeTask,
  FINISHED,
  MAX_ERROR_CHARS,
  MAX_NEW_TASK_BYTES,
  MAX_TASK_BYTES,
  SETTLED,
  TASK_FORMAT,
  type TaskRecord,
} from "./task-record.ts";

/**
 * A task that nobody was heard of for so long gets another message. Workers say every few seconds that they live, and one
 * that waits in a long queue is found waiting by the message that comes first.
 */
export const SILENCE_MS = 15 * 60 * 1_000;
/** Attempts of a change after the first: the worker and a caller who cancels are all that compete. */
const UPDATE_RETRIES = 8;
const RETRY_BASE_MS = 25;
const RETRY_MAX_MS = 2_000;

export interface TaskStoreOptions {
  store: ObjectStore;
  queue: Pick<JobQueue, "send">;
  /** Told of stored tasks that cannot be read. */
  onWarning?: ((message: string) => void) | undefined;
  clock?: Clock | undefined;
  random?: Random | undefined;
}

export class TaskStore implements Tasks {
  readonly store: ObjectStore;
  readonly #queue: Pick<JobQueue, "send">;
  readonly #onWarning: (message: string) => void;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor({ store, queue, onWarning, clock = systemClock, random = systemRandom }: TaskStoreOptions) {
    this.store = store;
    this.#queue = queue;
    this.#onWarning = onWarning ?? (() => undefined);
    this.#clock = clock;
    this.#random = random;
  }

  /** Errors besides those of `Tasks.create`: `invalid_request`, `invalid_name`, `body_too_large`. */
  async create(request: TaskRequest): Promise<Task> {
    const nowMs = this.#clock.nowMs();
    const record = newRecord(request, nowMs);
    const { id } = record.task;
    const bytes = encodeTask(record, MAX_NEW_TASK_BYTES);
    // A request that could not be read again must not be stored.
    decodeRequest(bytes, id);
    const json = { contentType: "application/json", onlyIf: "absent" } as const;
    await this.store.put(layout.openTask(id), new Uint8Array(), { onlyIf: "absent" });
    await this.store.put(layout.task(id), bytes, json);
    try {
      await this.#queue.send([taskMessage(id)]);
    } catch (error) {
      await this.update(id, (current) => finished(current, "failed", this.#clock.nowMs(), error));
      throw error;
    }
    return record.task;
  }

  async read(id: string): Promise<Task> {
    return (await this.readRecord(id)).task;
  }

  /** Without their `documents`, which `read` gives. Tasks that cannot be read are left out, with a warning. */
  async list(options: TaskListOptions): Promise<{ tasks: Task[]; nextCursor?: string }> {
    return await listTasks(options, {
      store: this.store,
      read: async (id) => await this.#readListed(id),
    });
  }

  async cancel(id: string): Promise<Task> {
    const { task } = await this.update(id, (record) => {
      const nowMs = this.#clock.nowMs();
      const { status, cancelRequestedAt } = record.task;
      if (FINISHED.has(status)) {
        throw new MaxleafError("task_not_cancelable", `task ${id} is over: it ${status}`);
      }
      if (cancelRequestedAt !== undefined) return undefined;
      const asked = { ...record, task: { ...record.task, cancelRequestedAt: isoOf(nowMs) } };
      return status === "enqueued" ? finished(asked, "canceled", nowMs) : asked;
    });
    return task;
  }

  /** Errors: `task_not_found`, `corrupt_data`, `unsupported_format_version`, `store_unavailable`. */
  async readRecord(id: string): Promise<TaskRecord> {
    return (await this.#get(id)).record;
  }

  /**
   * Changes a task by compare-and-swap. `change` gives what it becomes, or undefined to leave it as it is; it is called
   * again, on what another has written, when that one was faster.
   *
   * @returns the task as it is stored.
   * @throws MaxleafError as {@link readRecord}, and what `change` throws.
   */
  async update(id: string, change: (record: TaskRecord) => TaskRecord | undefined): Promise<TaskRecord> {
    const changeId = crypto.randomUUID();
    let failure: MaxleafError | undefined;
    let ended: Ended | undefined;
    for (let attempt = 0; attempt <= UPDATE_RETRIES; attempt++) {
      if (attempt > 0)
        await this.#clock.sleep(this.#random.next() * Math.min(RETRY_MAX_MS, RETRY_BASE_MS * 2 ** attempt));
      // What `change` throws is thrown: only the store is asked again.
      const found = await tried(async () => await this.#get(id));
      if (found instanceof MaxleafError) {
        failure = found;
        continue;
      }
      const { record, etag } = found;
      if (record.changeId === changeId) {
        if (ended !== undefined) countEndedTask(ended);
        return record;
      }
      const changed = change(record);
      if (changed === undefined) return record;
      ended = endOf(record, changed);
      const written = { ...changed, changeId };
      const options = { contentType: "application/json", onlyIf: { etag } };
      const put = await tried(async () => await this.store.put(layout.task(id), encodeTask(written), options));
      if (put instanceof MaxleafError) {
        failure = put;
        continue;
      }
      if (ended !== undefined) countEndedTask(ended);
      return written;
    }
    if (failure?.code === "store_unavailable") throw failure;
    const message = `task ${id} was changed by others ${UPDATE_RETRIES + 1} times in a row`;
    throw new MaxleafError("store_unavailable", message, { cause: failure });
  }

  /** Sends another message for the task. Errors: `queue_unavailable`. */
  async send(id: string): Promise<void> {
    await this.#queue.send([taskMessage(id)]);
  }

  async #get(id: string): Promise<{ record: TaskRecord; etag: string }> {
    if (!isTaskId(id)) throw taskNotFound(id);
    // A read from the end gets all of it or, when it is too large, no more than the limit.
    const object = await this.store.get(layout.task(id), { suffix: MAX_TASK_BYTES });
    if (object === undefined) throw taskNotFound(id);
    if (object.size > MAX_TASK_BYTES) {
      throw new MaxleafError("corrupt_data", `task ${id} is corrupt: it has ${object.size} bytes`);
    }
    return { record: decodeTask(object.bytes, id), etag: object.etag };
  }

  async #readListed(id: string): Promise<Task | undefined> {
    try {
      const { documents: _left, ...task } = await this.read(id);
      return task;
    } catch (error) {
      const { code, message } = toMaxleafError(error);
      // Removed since it was listed.
      if (code === "task_not_found") return undefined;
      if (code !== "corrupt_data" && code !== "unsupported_format_version") throw error;
      this.#onWarning(message);
      return undefined;
    }
  }
}

type Ended = "succeeded" | "failed" | "canceled";

/** The state in which a change ends a task; undefined when it goes on, or was over before. */
function endOf({ task: before }: TaskRecord, { task: { status } }: TaskRecord): Ended | undefined {
  if (FINISHED.has(before.status) || status === "enqueued" || status === "processing") return undefined;
  return status;
}

/** `record` as a task that is over. Documents that nothing was done for share its end. */
export function finished(record: TaskRecord, status: Ended, nowMs: number, failure?: unknown): TaskRecord {
  const error = failure === undefined ? undefined : taskErrorOf(failure);
  const left = status === "canceled" ? "canceled" : "failed";
  const documents = record.task.documents?.map((document): TaskDocument => {
    if (SETTLED.has(document.status)) return document;
    return { ...document, status: left, ...(error !== undefined && left === "failed" && { error }) };
  });
  const { lease: _lease, ...rest } = record;
  const task: Task = {
    ...record.task,
    status,
    finishedAt: isoOf(nowMs),
    progress: status === "succeeded" ? 1 : record.task.progress,
    ...(documents && { documents }),
    ...(error && { error }),
  };
  return { ...rest, task, dueAtMs: nowMs };
}

/** An error as tasks keep it: code and sentence, of bounded length. */
export function taskErrorOf(error: unknown): { code: string; detail: string } {
  const { code, message, cause } = toMaxleafError(error);
  const why = code === "internal" && cause instanceof Error ? `: ${cause.message}` : "";
  return { code, detail: (message + why).slice(0, MAX_ERROR_CHARS) };
}

export function isoOf(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

function newRecord(request: TaskRequest, nowMs: number): TaskRecord {
  const { index, type, webhookUrl } = request;
  const documents = request.type === "documents.add" ? request.documents : undefined;
  if (documents !== undefined && (documents.length === 0 || documents.length > MAX_TASK_DOCUMENTS)) {
    const message = `${documents.length} documents in one task; give 1 to ${MAX_TASK_DOCUMENTS}`;
    throw new MaxleafError("invalid_request", message);
  }
  parseIndexName(index);
  const names = (documents ?? []).map(({ name }) => parseDocumentName(name));
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new MaxleafError("invalid_request", `${quote(twice)} is given twice`);
  const task: Task = {
    id: newTaskId(nowMs),
    type,
    index,
    status: "enqueued",
    enqueuedAt: isoOf(nowMs),
    attempts: 0,
    progress: 0,
    ...(documents && { documents: documents.map(({ name }) => ({ name, status: "waiting", pagesDone: 0 })) }),
    ...(webhookUrl !== undefined && { webhook: { url: webhookUrl, attempts: 0 } }),
  };
  return {
    format: TASK_FORMAT,
    changeId: crypto.randomUUID(),
    task,
    inputs: (documents ?? []).map(({ source, metadata }) => ({
      source,
      ...(metadata && { metadata: { ...metadata } }),
    })),
    dueAtMs: nowMs + SILENCE_MS,
    resends: 0,
    spentAttempts: 0,
  };
}

function decodeRequest(bytes: Uint8Array, id: string): void {
  try {
    decodeTask(bytes, id);
  } catch (error) {
    throw new MaxleafError("invalid_request", `this is no task: ${toMaxleafError(error).message}`, { cause: error });
  }
}

/** What `work` gives, or its failure where another attempt may help. Errors: all others. */
async function tried<Result>(work: () => Promise<Result>): Promise<Result | MaxleafError> {
  try {
    return await work();
  } catch (error) {
    const mayPass = ["precondition_failed", "store_unavailable"];
    if (error instanceof MaxleafError && mayPass.includes(error.code)) return error;
    throw error;
  }
}
