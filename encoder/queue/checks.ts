/**
 * What every adapter checks of its arguments.
 *
 * @module
 */
import { MaxleafError } from "../../shared/errors.ts";
import { MAX_BODY_BYTES, MAX_MESSAGES_AT_ONCE, MAX_VISIBILITY_MS, MAX_WAIT_MS, type ReceiveOptions } from "./queue.ts";

/** Errors: `invalid_request`. */
export function checkReceive({ max, waitMs, visibilityMs }: ReceiveOptions): void {
  checkWithin("messages at once", max, 1, MAX_MESSAGES_AT_ONCE);
  checkWithin("waitMs", waitMs, 0, MAX_WAIT_MS);
  // A message that is not hidden at all is delivered to everybody who asks.
  checkWithin("visibilityMs", visibilityMs, 1, MAX_VISIBILITY_MS);
}

/** Errors: `invalid_request`. */
export function checkVisibility(visibilityMs: number): void {
  checkWithin("visibilityMs", visibilityMs, 0, MAX_VISIBILITY_MS);
}

/** Errors: `body_too_large`; `invalid_request` for an empty one, which SQS does not take. */
export function checkBody(body: string): void {
  const bytes = Buffer.byteLength(body);
  if (bytes === 0) throw new MaxleafError("invalid_request", "a message of the queue is empty");
  if (bytes <= MAX_BODY_BYTES) return;
  throw new MaxleafError("body_too_large", `a message of ${bytes} bytes; the queue takes ${MAX_BODY_BYTES}`);
}

function checkWithin(what: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new MaxleafError("invalid_request", `${what} is ${value}; it must be a whole number from ${min} to ${max}`);
}
