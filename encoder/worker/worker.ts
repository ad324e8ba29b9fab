/**
 * The worker: takes messages of buckets from a queue, makes the indexes what the buckets are, and acknowledges.
 *
 * Messages are taken in batches, whose documents are ingested together and committed together: a commit per message would
 * cost more than the ingestion of a small document. A message is acknowledged only when every document that it is about is
 * committed, so that a worker that dies at any instant loses nothing: its messages show again when its hold runs out.
 *
 * @module
 */
import { toMaxleafError } from "../../shared/errors.ts";
import { parseDocumentName } from "../../shared/names.ts";
import { type Clock, systemClock } from "../../shared/ports.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { isIngestible } from "../render/file-kind.ts";
import { countGivenBack } from "../metrics/metered-queue.ts";
import { taskOfMessage } from "../tasks/task-message.ts";
import { type JobQueue, MAX_MESSAGES_AT_ONCE, MAX_WAIT_MS, type QueueMessage } from "../queue/queue.ts";
import { type ObjectEvent, parseBucketEvents } from "./bucket-events.ts";
import { HeldMessages, type HoldTimes } from "./held-messages.ts";
import type { IndexMap } from "./index-map.ts";
import { type Finding, judge, type Verdict } from "./judge.ts";
import { type IndexSink, type SourceDocument, syncDocuments } from "./sync-documents.ts";

/** Messages of a batch by default: enough to fill the model's batches across small documents. */
export const DEFAULT_CONCURRENCY = 32;
export const MAX_CONCURRENCY = 1_000;
/** After a failure that the next message would meet too, the worker leaves the queue alone for so long. */
const PAUSE_MS = 30_000;
/**
 * How long a worker that is stopped may take to commit what is finished: Kubernetes and ECS kill after 30 s. What takes
 * longer (a codebook that is being trained, a page at a large model) is given back then and done again by another.
 */
export const SHUTDOWN_GRACE_MS = 20_000;
/** To give back what is held when that is over. */
const GIVE_BACK_MS = 3_000;
/** `--once` ends when nothing came for so long. SQS asks only some of its servers when it need not wait. */
const ONCE_WAIT_MS = 2_000;

export interface WorkerOptions {
  queue: JobQueue;
  map: IndexMap;
  /** The source bucket called so. */
  source: (bucket: string) => ObjectStore;
  sink: IndexSink;
  /** Does the tasks that messages are about. Absent: such messages are set aside. */
  tasks?: TaskWork | undefined;
  /** Messages worked on at a time; DEFAULT_CONCURRENCY by default. */
  concurrency?: number | undefined;
  /** End when the queue is empty. */
  once?: boolean | undefined;
  /** Stops the worker: documents that are done are committed and acknowledged, the rest is given back. */
  signal: AbortSignal;
  /** A line for each message and whatever else happens. */
  onLog?: ((line: string) => void) | undefined;
  clock?: Clock | undefined;
  /** SHUTDOWN_GRACE_MS by default. */
  graceMs?: number | undefined;
  /** How long messages are held, and how often that is renewed; see held-messages.ts. */
  hold?: HoldTimes | undefined;
}

/** Tasks as the worker needs them; see ../tasks/task-runner.ts. */
export interface TaskWork {
  run(message: QueueMessage, id: string, signal: AbortSignal): Promise<Verdict>;
  /** Gives back the task that is being done, whose work is left where it is. */
  giveBack(): Promise<void>;
}

/** Messages by what became of them. */
export interface WorkerReport {
  acknowledged: number;
  /** Given back to be tried again, and the failed among them. */
  givenBack: number;
  setAside: number;
  /** Work was left where it was when the grace was over: it may still be running. */
  isAbandoned?: boolean;
}

/**
 * Works until it is stopped or, with `once`, the queue is empty.
 *
 * Errors: `queue_unavailable`, when it cannot be reached at the start; later it is waited for.
 */
export async function runWorker(options: WorkerOptions): Promise<WorkerReport> {
  return await new Worker(options).run();
}

/** A message and what is to be done for it. */
interface Job {
  message: QueueMessage;
  events: readonly ObjectEvent[];
  findings: Finding[];
}

/** A document and the messages that are about it. */
interface DocumentChange {
  document: SourceDocument;
  jobs: Job[];
}

class Worker {
  readonly #options: WorkerOptions;
  readonly #clock: Clock;
  readonly #report: WorkerReport = { acknowledged: 0, givenBack: 0, setAside: 0 };
  #held: HeldMessages | undefined;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  async run(): Promise<WorkerReport> {
    const ended = new AbortController();
    try {
      return await Promise.race([this.#run(), this.#afterGrace(ended.signal)]);
    } finally {
      ended.abort();
    }
  }

  async #run(): Promise<WorkerReport> {
    const { signal, once = false } = this.#options;
    let reached = false;
    while (!signal.aborted) {
      try {
        const held = await this.#take();
        reached = true;
        if (held === undefined && once) break;
        if (held !== undefined) await this.#work(held);
      } catch (error) {
        if (!reached || once) throw error;
        this.#log(`the queue is out of reach: ${toMaxleafError(error).message}`);
        await this.#pause();
      }
    }
    return this.#report;
  }

  /** When the worker was stopped and has not ended for `graceMs`: what it holds is given back. Pending until then. */
  async #afterGrace(ended: AbortSignal): Promise<WorkerReport> {
    const { signal, graceMs = SHUTDOWN_GRACE_MS, tasks } = this.#options;
    const { promise: isOver, resolve } = Promise.withResolvers<void>();
    const begin = () => {
      const timer = setTimeout(resolve, graceMs);
      ended.addEventListener("abort", () => clearTimeout(timer), { once: true });
    };
    if (signal.aborted) begin();
    else signal.addEventListener("abort", begin, { once: true, signal: ended });
    await isOver;
    const held = this.#held?.held ?? [];
    this.#log(`not done after ${graceMs / 1_000} s: giving back ${held.length} messages`);
    const giveBack = async () => {
      await this.#attempt(async () => await tasks?.giveBack());
      await this.#held?.stop();
      for (const message of held) await this.#giveBack(message, 0);
    };
    await Promise.race([giveBack(), new Promise((done) => setTimeout(done, GIVE_BACK_MS).unref())]);
    this.#report.givenBack += held.length;
    return { ...this.#report, isAbandoned: true };
  }

  /** A batch: what there is at once, or the first that comes. Undefined when nothing came. */
  async #take(): Promise<HeldMessages | undefined> {
    const { queue, concurrency = DEFAULT_CONCURRENCY, once = false } = this.#options;
    const held = new HeldMessages(queue, (line) => this.#log(line), this.#options.hold);
    this.#held = held;
    try {
      let waitMs = once ? ONCE_WAIT_MS : MAX_WAIT_MS;
      while (held.messages.length < concurrency) {
        const max = Math.min(MAX_MESSAGES_AT_ONCE, concurrency - held.messages.length);
        const received = await held.receive({ max, waitMs, signal: this.#options.signal });
        if (received === 0) break;
        waitMs = 0;
        // Tasks are done one after another: what this worker does not take, others can begin.
        if (held.messages.some(({ body }) => taskOfMessage(body) !== undefined)) break;
      }
    } catch (error) {
      // What was received is worked on; what is wrong shows at the next receive.
      if (held.messages.length === 0) {
        await held.stop();
        throw error;
      }
    }
    if (held.messages.length > 0) return held;
    await held.stop();
    return undefined;
  }

  async #work(held: HeldMessages): Promise<void> {
    const messages = held.messages.map((message) => ({ message, taskId: taskOfMessage(message.body) }));
    let isAway: boolean;
    try {
      isAway = await this.#workOnBuckets(
        held,
        messages.flatMap(({ message, taskId }) => (taskId === undefined ? [message] : [])),
      );
      for (const { message, taskId } of messages) {
        if (taskId !== undefined && (await this.#workOnTask(held, message, taskId))) isAway = true;
      }
    } finally {
      await held.stop();
    }
    if (isAway) await this.#pause();
  }

  /** Whether something was away that the next message would need too. */
  async #workOnBuckets(held: HeldMessages, messages: readonly QueueMessage[]): Promise<boolean> {
    const jobs = messages.map((message) => this.#read(message));
    for (const [index, changes] of this.#changesByIndex(jobs)) {
      this.#log(`${index}: ${changes.size} documents of ${jobs.length} messages`);
      await this.#sync(index, [...changes.values()]);
    }
    const verdicts = jobs.map((job) => ({ job, verdict: judge(job.message, job.findings) }));
    await this.#settle(held, verdicts);
    return verdicts.some(({ verdict }) => verdict.kind === "retry" && verdict.forAll);
  }

  /** As {@link #workOnBuckets}. A task can take hours: each message is settled when its own is done. */
  async #workOnTask(held: HeldMessages, message: QueueMessage, id: string): Promise<boolean> {
    const { tasks, signal } = this.#options;
    const reason = "this worker does no tasks";
    const verdict = (await tasks?.run(message, id, signal)) ?? ({ kind: "fail", reason } as const);
    const failed = { state: "failed", code: "invalid_request", reason } as const;
    const findings = tasks === undefined ? [{ what: "task", outcome: failed }] : [];
    await this.#settle(held, [{ job: { message, events: [], findings }, verdict }]);
    return verdict.kind === "retry" && verdict.forAll;
  }

  #read(message: QueueMessage): Job {
    try {
      return { message, events: parseBucketEvents(message.body), findings: [] };
    } catch (error) {
      const { code, message: reason } = toMaxleafError(error);
      return { message, events: [], findings: [{ what: "message", outcome: { state: "failed", code, reason } }] };
    }
  }

  /** Several messages about one object are one change. */
  #changesByIndex(jobs: readonly Job[]): Map<string, Map<string, DocumentChange>> {
    const byIndex = new Map<string, Map<string, DocumentChange>>();
    for (const job of jobs) {
      for (const { bucket, key, kind } of job.events) {
        const target = this.#targetOf(bucket, key);
        if ("outcome" in target) {
          job.findings.push({ what: `${kind} ${bucket}/${key}`, outcome: target.outcome });
          continue;
        }
        const { index, name } = target;
        const changes = byIndex.get(index) ?? new Map<string, DocumentChange>();
        const change = changes.get(name) ?? { document: { bucket, key, name }, jobs: [] };
        if (!change.jobs.includes(job)) change.jobs.push(job);
        byIndex.set(index, changes.set(name, change));
      }
    }
    return byIndex;
  }

  /** Where an object belongs, or why nothing is done about it. */
  #targetOf(bucket: string, key: string): { index: string; name: string } | Pick<Finding, "outcome"> {
    const target = this.#options.map.find(bucket, key);
    if (target === undefined) {
      const reason = "it belongs to no index: no --map has its bucket and prefix";
      return { outcome: { state: "failed", code: "invalid_request", reason } };
    }
    if (!isIngestible(target.name)) return { outcome: { state: "ignored" } };
    try {
      // Here and not where documents are changed together: one impossible name must not fail the others.
      parseDocumentName(target.name);
      return target;
    } catch (error) {
      const { code, message: reason } = toMaxleafError(error);
      return { outcome: { state: "failed", code, reason } };
    }
  }

  async #sync(index: string, changes: readonly DocumentChange[]): Promise<void> {
    const { sink, source, signal } = this.#options;
    const documents = changes.map(({ document }) => document);
    const outcomes = await syncDocuments(documents, { index, sink, source, signal });
    for (const { document, jobs } of changes) {
      const outcome = outcomes.get(document) ?? { state: "left" };
      for (const job of jobs) job.findings.push({ what: `${document.bucket}/${document.key} in ${index}`, outcome });
    }
  }

  async #settle(held: HeldMessages, verdicts: readonly { job: Job; verdict: Verdict }[]): Promise<void> {
    const { queue } = this.#options;
    for (const { job } of verdicts) await held.release(job.message);
    const done = verdicts.filter(({ verdict }) => verdict.kind === "ack");
    await this.#attempt(async () => await queue.ack(done.map(({ job }) => job.message)));
    for (const { job, verdict } of verdicts) {
      const { message, findings } = job;
      if (verdict.kind === "retry") await this.#giveBack(message, verdict.delayMs);
      if (verdict.kind === "fail") await this.#attempt(async () => await queue.fail(message, verdict.reason));
      this.#report[REPORT_FIELDS[verdict.kind]]++;
      this.#log(lineOf(message, findings, verdict));
    }
  }

  async #giveBack(message: QueueMessage, delayMs: number): Promise<void> {
    await this.#attempt(async () => {
      if (await this.#options.queue.extend(message, delayMs)) countGivenBack();
    });
  }

  /** Whatever the queue does not take now, it delivers again. */
  async #attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#log(`the queue did not take what became of a message, which comes again: ${toMaxleafError(error).message}`);
    }
  }

  async #pause(): Promise<void> {
    const { signal } = this.#options;
    if (signal.aborted || this.#options.once === true) return;
    this.#log(`waiting ${PAUSE_MS / 1_000} s`);
    let wake: () => void = () => undefined;
    const stopped = new Promise<void>((resolve) => (wake = resolve));
    signal.addEventListener("abort", wake, { once: true });
    await Promise.race([this.#clock.sleep(PAUSE_MS), stopped]);
    signal.removeEventListener("abort", wake);
  }

  #log(line: string): void {
    this.#options.onLog?.(line);
  }
}

const REPORT_FIELDS = { ack: "acknowledged", retry: "givenBack", fail: "setAside" } as const;

/** `acknowledged 1f0c…: bucket/a.pdf in reports: added`. */
function lineOf({ id, receiveCount }: QueueMessage, findings: readonly Finding[], verdict: Verdict): string {
  const said = findings.map(({ what, outcome }) => {
    return outcome.state === "failed" ? `${what}: ${outcome.code}: ${outcome.reason}` : `${what}: ${outcome.state}`;
  });
  const detail = said.length === 0 ? "nothing to do" : said.join("; ");
  const again = receiveCount > 1 ? `, delivery ${receiveCount}` : "";
  const outcome = {
    ack: "done",
    retry: verdict.kind === "retry" && verdict.delayMs > 0 ? `again in ${verdict.delayMs / 1_000} s` : "given back",
    fail: "set aside",
  }[verdict.kind];
  return `message ${id}${again}: ${detail} (${outcome})`;
}
