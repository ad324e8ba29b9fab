/**
 * Tasks: work that was asked for over HTTP and is done later. What the encoder stores in the bucket, a task each, and what
 * `GET /v1/tasks` gives.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";

export const taskTypes = ["documents.add", "index.compact", "index.retrain"] as const;
export const taskStatuses = ["enqueued", "processing", "succeeded", "failed", "canceled"] as const;
/** `waiting` and `processing` until it is committed or given up. */
export const taskDocumentStatuses = [
  "waiting",
  "processing",
  "added",
  "replaced",
  "unchanged",
  "failed",
  "canceled",
] as const;

const time = z.iso.datetime();
const count = z.number().int().nonnegative();

export const taskErrorSchema = z
  .strictObject({ code: z.string(), detail: z.string() })
  .openapi("TaskError", { description: "As of a problem: a stable code and a sentence." });

export const taskDocumentSchema = z
  .strictObject({
    name: z.string(),
    status: z.enum(taskDocumentStatuses),
    pageCount: count.optional().openapi({ description: "Known once the file is opened." }),
    pagesDone: count.openapi({ description: "Pages that are rendered and encoded." }),
    pagesWithoutText: count.optional(),
    error: taskErrorSchema.optional(),
  })
  .openapi("TaskDocument");
export type TaskDocument = z.infer<typeof taskDocumentSchema>;

export const taskSchema = z
  .strictObject({
    id: z.string(),
    type: z.enum(taskTypes),
    index: z.string(),
    status: z.enum(taskStatuses),
    enqueuedAt: time,
    startedAt: time.optional(),
    finishedAt: time.optional(),
    attempts: count.openapi({ description: "Times that a worker began it." }),
    progress: z.number().min(0).max(1),
    documents: z.array(taskDocumentSchema).optional(),
    error: taskErrorSchema.optional(),
    cancelRequestedAt: time.optional(),
    webhook: z
      .strictObject({ url: z.url(), attempts: count, deliveredAt: time.optional(), lastError: z.string().optional() })
      .optional(),
  })
  .openapi("Task");
export type Task = z.infer<typeof taskSchema>;

export const taskListSchema = z
  .object({ tasks: z.array(taskSchema), nextCursor: z.string().optional() })
  .openapi("TaskList");
