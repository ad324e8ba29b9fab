/**
 * Tasks as the HTTP routes ask for them and as workers do them. A task is one object in the bucket, changed by
 * compare-and-swap; a message of the job queue says that it is to be done. The message may come twice, or to another
 * worker after a crash: doing a task again is harmless, since unchanged documents are left alone.
 *
 * @module
 */
import type { Task, taskStatuses } from "../../shared/api/tasks.ts";

/** Where the bytes of a document are. */
export type TaskSource = { kind: "upload"; uploadId: string } | { kind: "url"; url: string };

export interface TaskDocumentRequest {
  name: string;
  /** Absent: a replaced document keeps its own. */
  metadata?: Readonly<Record<string, string>> | undefined;
  source: TaskSource;
}

export type TaskRequest = { index: string; webhookUrl?: string | undefined } & (
  | { type: "documents.add"; documents: readonly TaskDocumentRequest[] }
  | { type: "index.compact" | "index.retrain" }
);

export interface TaskListOptions {
  /** At most so many, newest first. */
  limit: number;
  /** `nextCursor` of the list before. */
  cursor?: string | undefined;
  index?: string | undefined;
  status?: (typeof taskStatuses)[number] | undefined;
}

/** Errors of every method: `store_unavailable`, `corrupt_data`. */
export interface Tasks {
  /** Stores the task and puts its message into the queue: durable when it returns. Errors: `queue_unavailable`, which fails the task. */
  create(request: TaskRequest): Promise<Task>;
  /** Errors: `task_not_found`. */
  read(id: string): Promise<Task>;
  list(options: TaskListOptions): Promise<{ tasks: Task[]; nextCursor?: string }>;
  /**
   * A waiting task is canceled at once; one that is being done stops before its next commit.
   * Errors: `task_not_found`, `task_not_cancelable` when it is over.
   */
  cancel(id: string): Promise<Task>;
}
