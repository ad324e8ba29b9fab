/**
 * The worker's log: one JSON object a line, which Workers Logs indexes by field.
 *
 * @module
 */
import { quote } from "../../shared/errors.ts";

/** Writes one error line. `fields` must hold no secret and no query text. */
export function logError(message: string, fields: Readonly<Record<string, unknown>>): void {
  // oxlint-disable-next-line no-console -- the console is where a worker's log goes
  console.error(JSON.stringify({ level: "error", message, ...fields }));
}

/** Everything known about `error` and its causes, for the log only: callers get the problem body. */
export function describeCauses(error: unknown): string[] {
  const causes: string[] = [];
  // Eight: longer chains do not happen, and a chain may be a circle.
  for (let cause = error; cause !== undefined && causes.length < 8;) {
    if (!(cause instanceof Error)) return [...causes, quote(cause)];
    causes.push(cause.stack ?? cause.message);
    cause = cause.cause;
  }
  return causes;
}
