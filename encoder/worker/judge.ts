/**
 * What becomes of a message, from what became of its documents.
 *
 * @module
 */
import type { ErrorCode } from "../../shared/errors.ts";
import { MAX_RECEIVES, type QueueMessage } from "../queue/queue.ts";
import { isForAll, type SyncOutcome } from "./sync-documents.ts";

/** One thing of a message and what became of it. `ignored`: by its name, nothing that can be ingested. */
export interface Finding {
  what: string;
  outcome: SyncOutcome | { state: "ignored" };
}

export type Verdict =
  | { kind: "ack" }
  /** `forAll`: for a reason that the next message would meet too. */
  | { kind: "retry"; delayMs: number; forAll: boolean }
  | { kind: "fail"; reason: string };

/** What stays as it is, however often it is tried: of the message, or of the file. */
const PERMANENT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "invalid_request",
  "invalid_name",
  "file_unsupported",
  "file_empty",
  "file_encrypted",
  "file_too_large",
]);

/** A failure of one document: 10, 20, 40, 80 s. */
const RETRY_BASE_MS = 10_000;
/**
 * A failure of what the worker depends on, of which a queue counts the deliveries all the same: 2, 8, 32 and 128 minutes,
 * so that a store may be away for almost three hours before messages are set aside.
 */
const OUTAGE_BASE_MS = 120_000;
const OUTAGE_FACTOR = 4;

/**
 * Done if all is done. What failed is tried again while it may help and MAX_RECEIVES allows; what the worker left because
 * it stops goes back at once.
 */
export function judge({ receiveCount }: QueueMessage, findings: readonly Finding[]): Verdict {
  const failures = findings.flatMap(({ what, outcome }) => (outcome.state === "failed" ? [{ what, ...outcome }] : []));
  const retriable = failures.filter(({ code }) => !PERMANENT.has(code));
  if (findings.some(({ outcome }) => outcome.state === "left")) return { kind: "retry", delayMs: 0, forAll: false };
  if (failures.length === 0) return { kind: "ack" };
  if (retriable.length === 0 || receiveCount >= MAX_RECEIVES) {
    return { kind: "fail", reason: failures.map(({ what, code, reason }) => `${what}: ${code}: ${reason}`).join("; ") };
  }
  const [worst] = retriable.toSorted((a, b) => Number(isForAll(b.code)) - Number(isForAll(a.code)));
  return worst === undefined ? { kind: "ack" } : retryAfter(worst.code, receiveCount);
}

/** When to try again what failed with `code` the `attempt`th time, from 1. */
export function retryAfter(code: ErrorCode, attempt: number): Verdict & { kind: "retry" } {
  const forAll = isForAll(code);
  const delayMs = forAll ? OUTAGE_BASE_MS * OUTAGE_FACTOR ** (attempt - 1) : RETRY_BASE_MS * 2 ** (attempt - 1);
  return { kind: "retry", delayMs, forAll };
}
