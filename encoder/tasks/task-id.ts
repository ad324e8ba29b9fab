/**
 * Ids of tasks: the time backwards and chance, so that key order is newest first.
 *
 * @module
 */
import { MaxleafError, quote } from "../../shared/errors.ts";

/** 12 hex digits of what is left of 2^48 ms, which end in the year 10889, and 12 of chance. */
const TIME_DIGITS = 12;
const LAST_MS = 0xffff_ffff_ffff;
const CHANCE_BYTES = 6;
const TASK_ID = /^[0-9a-f]{24}$/;

/**
 * The id of a task that is made now. Tasks of one millisecond are in any order, and so are those of hosts whose clocks
 * differ by more than lies between them. Two of one millisecond are the same with a chance of 2⁻⁴⁸, and then the second
 * is refused by the store.
 */
export function newTaskId(nowMs: number): string {
  const chance = crypto.getRandomValues(new Uint8Array(CHANCE_BYTES));
  const left = (LAST_MS - nowMs).toString(16).padStart(TIME_DIGITS, "0");
  return left + Array.from(chance, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function isTaskId(text: string): boolean {
  return TASK_ID.test(text);
}

/** When the task was made. `id` must be one. */
export function createdAtMs(id: string): number {
  return LAST_MS - Number.parseInt(id.slice(0, TIME_DIGITS), 16);
}

export function taskNotFound(id: string): MaxleafError {
  return new MaxleafError("task_not_found", `there is no task ${quote(id)}`);
}
