/**
 * A task as it is stored: what the API shows of it, and what its workers need besides.
 *
 * @module
 */
import { z } from "zod";
import { type Task, type TaskDocument, taskSchema } from "../../shared/api/tasks.ts";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { corrupt } from "../../shared/format/bytes.ts";
import {
  MAX_METADATA_FIELDS,
  MAX_METADATA_VALUE_CHARS,
  MAX_TASK_DOCUMENTS,
  MAX_URL_CHARS,
} from "../../shared/limits.ts";

export const TASK_FORMAT = 1;
/** Bytes of a task when it is made: 1,000 documents with addresses and some metadata have 500 kB. Ours. */
export const MAX_NEW_TASK_BYTES = 2 * 1024 * 1024;
/** Bytes of a stored task: as made, and an error of 1,000 characters for each document. Ours. */
export const MAX_TASK_BYTES = 8 * 1024 * 1024;
/** Of an error's sentence that is kept. */
export const MAX_ERROR_CHARS = 1_000;

const time = z.number().int().nonnegative();

/** Becomes part of a key. */
const uploadId = z.string().regex(/^[0-9A-Za-z_-]{1,64}$/);
const source = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("upload"), uploadId }),
  z.strictObject({ kind: z.literal("url"), url: z.url().max(MAX_URL_CHARS) }),
]);
const metadata = z
  .record(z.string().max(MAX_METADATA_VALUE_CHARS), z.string().max(MAX_METADATA_VALUE_CHARS))
  .refine((fields) => Object.keys(fields).length <= MAX_METADATA_FIELDS);

const recordSchema = z.strictObject({
  format: z.literal(TASK_FORMAT),
  /** Of the last change: who finds its own knows that it was made, whatever the store answered. */
  changeId: z.string(),
  task: taskSchema,
  /** Where the documents of `task.documents` come from, in their order. */
  inputs: z.array(z.strictObject({ source, metadata: metadata.optional() })).max(MAX_TASK_DOCUMENTS),
  /** When a worker should have been heard of: a task that is silent then gets another message. */
  dueAtMs: time,
  /** Messages after the first. */
  resends: z.int().nonnegative(),
  /** The worker that has it. */
  lease: z.strictObject({ holder: z.string(), untilMs: time }).optional(),
  /** Attempts that ended in a crash or a failure, the one under way included; those that were given back are not. */
  spentAttempts: z.int().nonnegative(),
  /** Uploads are removed and the webhook is delivered or given up: nothing is left to do. */
  closedAtMs: time.optional(),
});
export type TaskRecord = z.infer<typeof recordSchema>;

export const FINISHED = new Set<Task["status"]>(["succeeded", "failed", "canceled"]);
export const SETTLED = new Set<TaskDocument["status"]>(["added", "replaced", "unchanged", "failed", "canceled"]);

/**
 * The bytes of `record`, which fit into `maxBytes`.
 *
 * @throws MaxleafError `body_too_large`.
 */
export function encodeTask(record: TaskRecord, maxBytes = MAX_TASK_BYTES): Uint8Array {
  const bytes = new TextEncoder().encode(JSON.stringify(record));
  if (bytes.byteLength <= maxBytes) return bytes;
  const { id } = record.task;
  throw new MaxleafError("body_too_large", `task ${id} has ${bytes.byteLength} bytes; the limit is ${maxBytes}`);
}

/**
 * The task `id` from its object, checked.
 *
 * @throws MaxleafError `corrupt_data`, `unsupported_format_version`.
 */
export function decodeTask(bytes: Uint8Array, id: string): TaskRecord {
  const what = `task ${id}`;
  const value = parseJson(bytes, what);
  const format = z.object({ format: z.int() }).safeParse(value);
  if (format.success && format.data.format > TASK_FORMAT) {
    const message = `${what} has format ${format.data.format}; this program knows ${TASK_FORMAT}`;
    throw new MaxleafError("unsupported_format_version", message);
  }
  const result = recordSchema.safeParse(value);
  if (!result.success) {
    const [issue] = result.error.issues;
    throw corrupt(what, `${issue?.path.join(".")}: ${issue?.message}`);
  }
  const { task, inputs } = result.data;
  if (task.id !== id) throw corrupt(what, `it says that it is ${quote(task.id)}`);
  if ((task.documents?.length ?? 0) !== inputs.length) throw corrupt(what, "its documents and their sources differ");
  if (FINISHED.has(task.status) !== (task.finishedAt !== undefined)) throw corrupt(what, "is it over or not?");
  return result.data;
}

function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw corrupt(what, "it is no JSON");
  }
}
