/**
 * Does tasks, one at a time: takes the lease of one, does its work, stores its end, and tidies up after it.
 *
 * Whatever happens on the way, the task is done again when its message comes again: by another worker after a crash, when
 * the lease has run out. What a crash costs is counted, and a task that was begun MAX_RECEIVES times in vain has failed.
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import type { Task } from "../../shared/api/tasks.ts";
import { type ErrorCode, MaxleafError, toMaxleafError } from "../../shared/errors.ts";
import { type Clock, systemClock } from "../../shared/ports.ts";
import { whileTaskRuns } from "../metrics/task-metrics.ts";
import { MAX_RECEIVES, type QueueMessage } from "../queue/queue.ts";
import type { TaskWork } from "../worker/worker.ts";
import { retryAfter, type Verdict } from "../worker/judge.ts";
import { FINISHED, SETTLED, type TaskRecord } from "./task-record.ts";
import { BEAT_MS, LEASE_MS, TaskSession } from "./task-session.ts";
import { finished, isoOf, SILENCE_MS, taskErrorOf, type TaskStore } from "./task-store.ts";

export interface TaskRunnerOptions {
  tasks: TaskStore;
  /** Does the work of a session's task and settles its documents. Returns early when it is stopped. */
  work: (session: TaskSession, signal: AbortSignal) => Promise<void>;
  /** What is left to do when a task is over; see close-task.ts. */
  close: (record: TaskRecord) => Promise<void>;
  onLog?: ((line: string) => void) | undefined;
  clock?: Clock | undefined;
  /** LEASE_MS and BEAT_MS by default. */
  leaseMs?: number | undefined;
  beatMs?: number | undefined;
}

/** Trying again is no use: the task says what it wants, and that cannot be. */
const PERMANENT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "invalid_request",
  "invalid_name",
  "index_not_found",
  "recipe_mismatch",
  "recipe_not_found",
  "corrupt_data",
  "unsupported_format_version",
]);

/** `taken`: by another worker. `over`: it only has to be closed. `gone`: that is done too. */
interface Claim {
  kind: "work" | "taken" | "over" | "gone";
  record: TaskRecord;
}

export class TaskRunner implements TaskWork {
  readonly #options: TaskRunnerOptions;
  readonly #clock: Clock;
  readonly #leaseMs: number;
  #session: TaskSession | undefined;

  constructor(options: TaskRunnerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#leaseMs = options.leaseMs ?? LEASE_MS;
  }

  /** Does the task that `message` is about, as far as it can be done now, and gives what becomes of the message. Never throws. */
  async run(message: QueueMessage, id: string, signal: AbortSignal): Promise<Verdict> {
    if (signal.aborted) return { kind: "retry", delayMs: 0, forAll: false };
    try {
      const verdict = await this.#run(message, id, signal);
      if (verdict.kind !== "retry" || message.receiveCount < MAX_RECEIVES) return verdict;
      // The queue would set this one aside. The keeper sends another in time; what is to be done at once is sent here.
      if (verdict.delayMs === 0) await this.#options.tasks.send(id);
      return { kind: "ack" };
    } catch (error) {
      const { code, message: reason } = toMaxleafError(error);
      this.#log(`task ${id}: ${code}: ${reason}`);
      // Swept away, or never stored: then nobody was told that it is.
      if (code === "task_not_found") return { kind: "ack" };
      if (PERMANENT.has(code)) return { kind: "fail", reason: `${code}: ${reason}` };
      return retryAfter(code, message.receiveCount);
    }
  }

  /** Gives back the task that is being done, for another worker to take at once. Its work must not go on for long. */
  async giveBack(): Promise<void> {
    const session = this.#session;
    if (session === undefined) return;
    await session.stop();
    await session.settle(this.#givenBack().settle);
  }

  async #run(message: QueueMessage, id: string, signal: AbortSignal): Promise<Verdict> {
    const holder = randomUUID();
    const claim = await this.#claim(id, holder);
    if (claim.kind === "gone") return { kind: "ack" };
    if (claim.kind === "taken") return this.#whileTaken(message, claim.record);
    if (claim.kind === "over") {
      await this.#close(claim.record);
      return { kind: "ack" };
    }
    const session = new TaskSession({
      ...this.#options,
      record: claim.record,
      holder,
      clock: this.#clock,
      leaseMs: this.#leaseMs,
      beatMs: this.#options.beatMs ?? BEAT_MS,
      onLog: (line) => this.#log(line),
    });
    this.#session = session;
    try {
      return await whileTaskRuns(async () => await this.#work(session, signal));
    } finally {
      this.#session = undefined;
      await session.stop();
    }
  }

  /** Takes the task's lease, or finds out why not. */
  async #claim(id: string, holder: string): Promise<Claim> {
    let kind: Claim["kind"] = "gone";
    const record = await this.#options.tasks.update(id, (current) => {
      kind = this.#kindOf(current);
      if (kind === "work") return this.#begun(current, holder);
      return kind === "over" && !FINISHED.has(current.task.status) ? this.#ended(current) : undefined;
    });
    return { kind, record };
  }

  #kindOf({ task, lease, spentAttempts, closedAtMs }: TaskRecord): Claim["kind"] {
    if (closedAtMs !== undefined) return "gone";
    if (FINISHED.has(task.status)) return "over";
    if (lease !== undefined && lease.untilMs > this.#clock.nowMs()) return "taken";
    return task.cancelRequestedAt === undefined && spentAttempts < MAX_RECEIVES ? "work" : "over";
  }

  #begun(record: TaskRecord, holder: string): TaskRecord {
    const nowMs = this.#clock.nowMs();
    const { task } = record;
    return {
      ...record,
      task: {
        ...task,
        status: "processing",
        startedAt: task.startedAt ?? isoOf(nowMs),
        attempts: task.attempts + 1,
      },
      lease: { holder, untilMs: nowMs + this.#leaseMs },
      dueAtMs: nowMs + SILENCE_MS,
      spentAttempts: record.spentAttempts + 1,
    };
  }

  /** Canceled while nobody worked on it, or begun too often: a last attempt that had failed would have said so. */
  #ended(record: TaskRecord): TaskRecord {
    const nowMs = this.#clock.nowMs();
    if (record.task.cancelRequestedAt !== undefined) return finished(record, "canceled", nowMs);
    const reason = `begun ${record.spentAttempts} times and never finished: its workers died`;
    return finished(record, "failed", nowMs, new MaxleafError("internal", reason));
  }

  /** Another worker has it, or had it when it died: its lease will tell. A message that came twice goes in the end. */
  #whileTaken({ receiveCount }: QueueMessage, { lease }: TaskRecord): Verdict {
    if (receiveCount >= MAX_RECEIVES) return { kind: "ack" };
    const leftMs = (lease?.untilMs ?? 0) - this.#clock.nowMs();
    return { kind: "retry", delayMs: Math.max(1, leftMs), forAll: false };
  }

  async #work(session: TaskSession, signal: AbortSignal): Promise<Verdict> {
    const { task } = session.record;
    this.#log(`task ${task.id}: ${task.type} of ${task.index}, attempt ${task.attempts}`);
    let failure: MaxleafError | undefined;
    try {
      await this.#options.work(session, signal);
    } catch (error) {
      failure = toMaxleafError(error);
    }
    await session.stop();
    // Whoever has it now says what becomes of it.
    if (session.lost.aborted) return { kind: "ack" };
    const end = this.#endOf(session, failure, signal);
    const record = await this.#settle(session, end);
    if (record === undefined) return { kind: "ack" };
    this.#log(`task ${task.id}: ${end.said}`);
    if (FINISHED.has(record.task.status)) await this.#close(record);
    return end.verdict;
  }

  /** Undefined when the task turns out to be another's. Errors: those of `TaskStore.update`. */
  async #settle(session: TaskSession, { settle }: End): Promise<TaskRecord | undefined> {
    try {
      return await session.settle(settle);
    } catch (error) {
      if (session.lost.aborted) return undefined;
      throw error;
    }
  }

  #endOf(session: TaskSession, failure: MaxleafError | undefined, signal: AbortSignal): End {
    const isDone = failure === undefined && session.documents.every(({ status }) => SETTLED.has(status));
    // What was asked too late to matter has not been asked.
    if (isDone) return this.#completed(session);
    if (session.canceled.aborted) return this.#over("canceled");
    // What fails after a stop fails because of it.
    if (signal.aborted) return this.#givenBack();
    return this.#failed(session, failure ?? new MaxleafError("internal", "some documents were not ingested"));
  }

  #completed({ documents }: TaskSession): End {
    const failed = documents.filter(({ status }) => status === "failed");
    const [first] = failed;
    if (first === undefined) return this.#over("succeeded");
    const { code = "internal", detail = "" } = first.error ?? {};
    const error = {
      code,
      detail: `${failed.length} of ${documents.length} documents failed; ${first.name}: ${detail}`,
    };
    return this.#over("failed", error);
  }

  #failed(session: TaskSession, failure: MaxleafError): End {
    const { spentAttempts } = session.record;
    const error = taskErrorOf(failure);
    const isPermanent = PERMANENT.has(failure.code);
    if (isPermanent || spentAttempts >= MAX_RECEIVES) return this.#over("failed", error);
    const verdict = retryAfter(failure.code, spentAttempts);
    return {
      verdict,
      said: `${error.code}: ${error.detail}; again in ${verdict.delayMs / 1_000} s`,
      settle: (record) => {
        const waiting = waitingAgain(record, this.#clock.nowMs() + verdict.delayMs + graceOf(verdict));
        return { ...waiting, task: { ...waiting.task, error } };
      },
    };
  }

  /** The worker stops: the next takes it at once, and it counts as no attempt. */
  #givenBack(): End {
    return {
      verdict: { kind: "retry", delayMs: 0, forAll: false },
      said: "given back",
      settle: (record) => ({
        ...waitingAgain(record, this.#clock.nowMs() + SILENCE_MS),
        spentAttempts: record.spentAttempts - 1,
      }),
    };
  }

  #over(status: "succeeded" | "failed" | "canceled", error?: Task["error"]): End {
    return {
      verdict: { kind: "ack" },
      said: error === undefined ? status : `${status}: ${error.code}: ${error.detail}`,
      settle: (record) => {
        const { error: _earlier, ...task } = record.task;
        const over = finished({ ...record, task }, status, this.#clock.nowMs());
        return { ...over, task: { ...over.task, ...(error && { error }) } };
      },
    };
  }

  async #close(record: TaskRecord): Promise<void> {
    try {
      await this.#options.close(record);
    } catch (error) {
      // The keeper finds it again.
      this.#log(`task ${record.task.id} is over, but not tidied up: ${toMaxleafError(error).message}`);
    }
  }

  #log(line: string): void {
    this.#options.onLog?.(line);
  }
}

/** How an attempt ends: for the queue, for the log and for the record. */
interface End {
  verdict: Verdict;
  said: string;
  settle: (record: TaskRecord) => TaskRecord;
}

/** After an outage many messages come at a time: the keeper gives them time. */
function graceOf({ forAll }: { forAll: boolean }): number {
  return forAll ? 2 * SILENCE_MS : SILENCE_MS;
}

function waitingAgain(record: TaskRecord, dueAtMs: number): TaskRecord {
  const { lease: _lease, ...rest } = record;
  const documents = record.task.documents?.map((document) => {
    return SETTLED.has(document.status) ? document : { ...document, status: "waiting" as const };
  });
  return { ...rest, task: { ...record.task, status: "enqueued", ...(documents && { documents }) }, dueAtMs };
}
