/**
 * A bucket of files, a queue of what happened to them and workers that follow it into an index: everything that
 * `maxleaf worker` has, but rendering and models.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { compactIndex } from "../../../encoder/indexing/compact.ts";
import { DocumentTables } from "../../../encoder/indexing/document-index.ts";
import { buildInvertedFile } from "../../../encoder/indexing/inverted-file.ts";
import { retrainIndex } from "../../../encoder/indexing/retrain.ts";
import type { FoundFile } from "../../../encoder/ingest/discover.ts";
import { LocalQueue } from "../../../encoder/queue/local-queue.ts";
import type { JobQueue, QueueMessage, ReceiveOptions } from "../../../encoder/queue/queue.ts";
import { IndexMap } from "../../../encoder/worker/index-map.ts";
import { DocumentSink } from "../../../encoder/worker/index-sink.ts";
import type { IndexSink, IngestCall } from "../../../encoder/worker/sync-documents.ts";
import { runWorker } from "../../../encoder/worker/worker.ts";
import { MaxleafError } from "../../../shared/errors.ts";
import { readManifest, readManifestVersion } from "../../../shared/format/manifest-store.ts";
import type { Random } from "../../../shared/ports.ts";
import { contentHashOf } from "../../../shared/revision.ts";
import { MemoryStore } from "../../../shared/store/memory-store.ts";
import type { ObjectStore } from "../../../shared/store/object-store.ts";
import { CrashingStore, type Power } from "./crashing-store.ts";
import { type FaultRates, FaultyStore } from "./faulty-store.ts";
import type { Pause } from "./pausing-store.ts";
import { INDEX, ingest, RECIPE, type SmallDocument, sourceOf } from "./small-documents.ts";
import { TRANSIENT } from "./trial.ts";
import { TurnClock } from "./turns.ts";

const BUCKET = "uploads";
/** What a document may be in the index: a content hash, or not there. */
export type Content = string;
export const ABSENT: Content = "absent";

/** Rare enough that most batches are done in one or two deliveries. */
const WORKER_FAULTS: FaultRates = { unavailable: 0.004, replyLost: 0.01, falseConflict: 0.01, ownConflict: 0.01 };

const fileSchema = z.object({ seed: z.int(), vectorCounts: z.array(z.int()), shelf: z.string().optional() });
const bodyRow = z.object({ body: z.string() });
/** Longer than any hold or delay. */
const A_DAY_MS = 24 * 3_600_000;
const CONTENT_CHARS = 16;

export class WorkerWorld {
  readonly bucket = new MemoryStore();
  readonly store = new MemoryStore();
  readonly clock = new TurnClock();
  readonly #queueFile: string;
  readonly #queue: LocalQueue;
  /** What each name may be: its content when it was last settled, and what it has become since. */
  readonly #allowed = new Map<string, Set<Content>>();
  #checkedVersion = 0;
  crashes = 0;
  versions = 0;

  constructor(queueFile: string) {
    this.#queueFile = queueFile;
    this.#queue = LocalQueue.open(queueFile, { clock: this.clock });
  }

  /** Puts a file into the bucket, or removes it, and sends the notification, sometimes twice. */
  async change(name: string, document: SmallDocument | undefined, copies: number): Promise<void> {
    if (document === undefined) await this.bucket.delete([name]);
    else await this.bucket.put(name, sourceOf(document));
    this.#allowedOf(name).add(await this.contentInBucket(name));
    await this.#send(name, copies);
  }

  /**
   * A worker process, until the queue is empty for it or its power is gone, over stores that fail now and then.
   *
   * @param pause what happens in the middle of its work.
   */
  async work(power: Power, random: Random, pause?: Pause): Promise<void> {
    const faulty = (store: ObjectStore) => new FaultyStore(pause?.over(store) ?? store, random, WORKER_FAULTS);
    await this.workOver(faulty(this.store), faulty(this.bucket), power, random);
  }

  /** A worker process that sees index and bucket as these stores show them. */
  async workOver(through: ObjectStore, source: ObjectStore, power: Power, random: Random): Promise<void> {
    const store = new CrashingStore(through, power);
    const queue = new ProcessQueue(LocalQueue.open(this.#queueFile, { clock: this.clock }), power);
    const sink = new SmallSink(store, this.clock, random);
    const options = {
      queue,
      sink,
      source: () => source,
      map: new IndexMap([{ bucket: BUCKET, prefix: "", index: INDEX }]),
    };
    const { signal } = new AbortController();
    try {
      await runWorker({ ...options, once: true, signal, clock: this.clock, concurrency: 4 });
    } catch (error) {
      if (!power.isDown) throw error;
    } finally {
      queue.close();
    }
    if (power.isDown) this.crashes++;
  }

  /** A process that compacts, optimizes or trains anew, until that is done or its power is gone. */
  async maintain(power: Power, random: Random): Promise<void> {
    const store = new CrashingStore(new FaultyStore(this.store, random, WORKER_FAULTS), power);
    const target = { store, index: INDEX, clock: this.clock, random };
    const works = [
      async () => await compactIndex(target),
      async () => await buildInvertedFile(target),
      async () => await retrainIndex(target, { threads: 1 }),
    ];
    try {
      await works[Math.floor(random.next() * works.length)]?.();
    } catch (error) {
      // Whatever the store did to it, and an index that is not there yet: nobody does it again.
      if (!power.isDown && !(error instanceof MaxleafError && TRANSIENT.has(error.code))) throw error;
    }
    if (power.isDown) this.crashes++;
  }

  /** Holds and delays run out. What was set aside is sent again, as its owner would once the cause is mended. */
  async passADay(): Promise<void> {
    this.clock.advance(A_DAY_MS);
    using database = new DatabaseSync(this.#queueFile, { timeout: 10_000 });
    const dead = z.array(bodyRow).parse(database.prepare("SELECT body FROM dead_letters").all());
    database.exec("DELETE FROM dead_letters");
    if (dead.length > 0) await this.#queue.send(dead.map(({ body }) => body));
  }

  /** Messages that are not acknowledged. */
  get depth(): number {
    return this.#queue.depth();
  }

  /**
   * What is wrong with the versions that were committed since the last call: a document that was lost, or came back. Names
   * without messages are settled: from now on they may only be what the bucket has.
   */
  async problems(): Promise<string[]> {
    const found: string[] = [];
    const newest = await readManifest(this.store, INDEX);
    for (let version = this.#checkedVersion + 1; version <= (newest?.version ?? 0); version++) {
      const contents = await this.#contentsOf(version);
      for (const [name, allowed] of this.#allowed) {
        const content = contents.get(name) ?? ABSENT;
        if (!allowed.has(content))
          found.push(`${name} is ${content} in version ${version}, not ${[...allowed].join(" or ")}`);
      }
      this.versions++;
    }
    this.#checkedVersion = newest?.version ?? 0;
    const contents = newest === undefined ? new Map<string, Content>() : await this.#contentsOf(newest.version);
    const pending = this.#pendingNames();
    for (const name of this.#allowed.keys()) {
      if (pending.has(name)) continue;
      const wanted = await this.contentInBucket(name);
      const content = contents.get(name) ?? ABSENT;
      if (content !== wanted) found.push(`${name} was acknowledged as ${wanted} and is ${content}`);
      this.#allowed.set(name, new Set([wanted]));
    }
    return found;
  }

  async contentInBucket(name: string): Promise<Content> {
    const object = await this.bucket.get(name);
    return object === undefined ? ABSENT : await contentHashOf(object.bytes);
  }

  close(): void {
    this.#queue.close();
  }

  async #send(name: string, copies: number): Promise<void> {
    const record = { eventName: "ObjectCreated:Put", s3: { bucket: { name: BUCKET }, object: { key: name } } };
    await this.#queue.send(Array.from({ length: copies }, () => JSON.stringify({ Records: [record] })));
  }

  #allowedOf(name: string): Set<Content> {
    const allowed = this.#allowed.get(name) ?? new Set([ABSENT]);
    this.#allowed.set(name, allowed);
    return allowed;
  }

  async #contentsOf(version: number): Promise<Map<string, Content>> {
    const manifest = await readManifestVersion(this.store, INDEX, version);
    if (manifest === undefined) throw new Error(`version ${version} is not there`);
    const live = await new DocumentTables(this.store, INDEX).liveDocuments(manifest);
    return new Map([...live.values()].map(({ entry }) => [entry.name, entry.revision.slice(0, CONTENT_CHARS)]));
  }

  #pendingNames(): Set<string> {
    using database = new DatabaseSync(this.#queueFile, { timeout: 10_000 });
    const rows = database.prepare("SELECT body FROM messages UNION ALL SELECT body FROM dead_letters").all();
    const names = [...this.#allowed.keys()];
    const bodies = z.array(bodyRow).parse(rows);
    return new Set(names.filter((name) => bodies.some(({ body }) => body.includes(`"${name}"`))));
  }
}

/** The queue as a process with `power` uses it. It never waits. */
class ProcessQueue implements JobQueue {
  readonly description = "the queue";
  readonly #inner: LocalQueue;
  readonly #power: Power;

  constructor(inner: LocalQueue, power: Power) {
    this.#inner = inner;
    this.#power = power;
  }

  async send(bodies: readonly string[]): Promise<void> {
    await this.#power.write(async () => await this.#inner.send(bodies));
  }

  async receive(options: ReceiveOptions): Promise<QueueMessage[]> {
    this.#power.require();
    return await this.#inner.receive({ ...options, waitMs: 0 });
  }

  async extend(message: QueueMessage, visibilityMs: number): Promise<boolean> {
    return await this.#power.write(async () => await this.#inner.extend(message, visibilityMs));
  }

  async ack(messages: readonly QueueMessage[]): Promise<void> {
    const half = async () => await this.#inner.ack(messages.slice(0, Math.ceil(messages.length / 2)));
    await this.#power.write(async () => await this.#inner.ack(messages), half);
  }

  async fail(message: QueueMessage, reason: string): Promise<void> {
    await this.#power.write(async () => await this.#inner.fail(message, reason));
  }

  close(): void {
    this.#inner.close();
  }
}

/** Deletes as the worker does; ingests small documents. */
class SmallSink implements IndexSink {
  readonly #store: ObjectStore;
  readonly #ports: { clock: TurnClock; random: Random };
  readonly #real: DocumentSink;

  constructor(store: ObjectStore, clock: TurnClock, random: Random) {
    this.#store = store;
    this.#ports = { clock, random };
    const loadModel = async () => await Promise.reject(new Error("no model is needed"));
    this.#real = new DocumentSink({ store, defaultRecipe: RECIPE.name, loadModel });
  }

  async ingest(_index: string, files: FoundFile[], { onFile }: IngestCall) {
    const documents: SmallDocument[] = [];
    for (const { name, path } of files) {
      const { shelf, ...rest } = fileSchema.parse(JSON.parse(await readFile(path, "utf8")));
      documents.push({ name, ...rest, ...(shelf !== undefined && { shelf }) });
    }
    const added = new Set(await ingest(this.#store, documents, this.#ports));
    for (const { name } of files) onFile(name, added.has(name) ? "added" : "unchanged");
    return { failed: [] };
  }

  async remove(index: string, names: readonly string[]): Promise<string[]> {
    return await this.#real.remove(index, names);
  }
}
