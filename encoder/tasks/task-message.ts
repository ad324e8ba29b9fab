/**
 * The message of the job queue that says that a task is to be done: `{"maxleafTask": "<id>"}`.
 *
 * @module
 */
import { z } from "zod";
import { isTaskId } from "./task-id.ts";

/** Longer bodies are no task's. */
const MAX_MESSAGE_CHARS = 200;
const messageSchema = z.object({ maxleafTask: z.string().refine(isTaskId) });

export function taskMessage(id: string): string {
  return JSON.stringify({ maxleafTask: id });
}

/** The id of the task that `body` is about; undefined when it is about something else. */
export function taskOfMessage(body: string): string | undefined {
  if (body.length > MAX_MESSAGE_CHARS || !body.includes("maxleafTask")) return undefined;
  try {
    return messageSchema.safeParse(JSON.parse(body)).data?.maxleafTask;
  } catch {
    return undefined;
  }
}
