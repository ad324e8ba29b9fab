/**
 * Tasks page by page, newest first, each page for a bounded number of reads.
 *
 * @module
 */
import PQueue from "p-queue";
import { z } from "zod";
import type { Task } from "../../shared/api/tasks.ts";
import { MaxleafError } from "../../shared/errors.ts";
import { MAX_CONCURRENT_READS } from "../../shared/limits.ts";
import { TASKS_PREFIX } from "../../shared/store/layout.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import type { TaskListOptions } from "./contract.ts";
import { isTaskId } from "./task-id.ts";

/** Tasks of one page. Ours. */
export const MAX_LISTED_TASKS = 100;
/** Tasks read for one page when a filter leaves most of them out; the page then ends early, with a cursor. */
export const MAX_READS = 500;
/** Requests for keys, 1,000 each, of one page. */
const MAX_KEY_PAGES = 10;
/** A cursor of S3 is opaque and has some hundred characters. */
const MAX_CURSOR_CHARS = 4_096;

/** The page of keys to begin with, and the last task that was given of it. */
const cursorSchema = z.strictObject({ keys: z.string().optional(), after: z.string().refine(isTaskId).optional() });
type Cursor = z.infer<typeof cursorSchema>;

export interface TaskListSource {
  store: ObjectStore;
  /** Undefined for one that is gone or unreadable. */
  read: (id: string) => Promise<Task | undefined>;
}

/**
 * A page of tasks. With a filter it may have fewer than `limit`, even none, and a cursor all the same.
 *
 * Tasks that are made between two pages are not in the later ones; none is given twice or left out.
 *
 * @throws MaxleafError `invalid_request` for a cursor that is none or a limit beyond MAX_LISTED_TASKS; `store_unavailable`.
 */
export async function listTasks(
  { limit, cursor, index, status }: TaskListOptions,
  { store, read }: TaskListSource,
): Promise<{ tasks: Task[]; nextCursor?: string }> {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LISTED_TASKS) {
    throw new MaxleafError("invalid_request", `limit is ${limit}; it must be 1 to ${MAX_LISTED_TASKS}`);
  }
  const tasks: Task[] = [];
  const from = decodeCursor(cursor);
  let { keys, after } = from;
  let reads = 0;
  for (let page = 0; page < MAX_KEY_PAGES; page++) {
    const listed = await store.list(TASKS_PREFIX, keys === undefined ? {} : { cursor: keys });
    const ids = idsAfter(listed.objects, after);
    while (ids.length > 0) {
      if (tasks.length === limit || reads >= MAX_READS) return { tasks, nextCursor: encodeCursor({ keys, after }) };
      // No more than may be given: what is read and does not fit would be read again.
      const some = ids.splice(0, Math.min(limit - tasks.length, MAX_READS - reads));
      const found = await readAll(some, read);
      reads += some.length;
      after = some.at(-1);
      for (const task of found) if (matches(task, index, status)) tasks.push(task);
    }
    if (listed.cursor === undefined) return { tasks };
    keys = listed.cursor;
  }
  return { tasks, nextCursor: encodeCursor({ keys, after }) };
}

function idsAfter(objects: readonly { key: string }[], after: string | undefined): string[] {
  const ids = objects.map(({ key }) => key.slice(TASKS_PREFIX.length)).filter(isTaskId);
  return after === undefined ? ids : ids.filter((id) => id > after);
}

async function readAll(ids: readonly string[], read: TaskListSource["read"]): Promise<Task[]> {
  const queue = new PQueue({ concurrency: MAX_CONCURRENT_READS });
  const found = await queue.addAll(ids.map((id) => async () => await read(id)));
  return found.filter((task) => task !== undefined);
}

function matches(task: Task, index: string | undefined, status: Task["status"] | undefined): boolean {
  return (index === undefined || task.index === index) && (status === undefined || task.status === status);
}

function encodeCursor({ keys, after }: Cursor): string {
  return Buffer.from(JSON.stringify({ keys, after })).toString("base64url");
}

function decodeCursor(text: string | undefined): Cursor {
  if (text === undefined) return {};
  try {
    if (text.length > MAX_CURSOR_CHARS) throw new Error("it is too long");
    return cursorSchema.parse(JSON.parse(Buffer.from(text, "base64url").toString()));
  } catch (cause) {
    throw new MaxleafError("invalid_request", "this is no cursor of a list of tasks", { cause });
  }
}
