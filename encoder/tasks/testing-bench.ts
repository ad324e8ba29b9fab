/**
 * Tasks through the worker, over the local queue and a bucket in memory, with an index that only notes what it is told: for
 * tests.
 *
 * @module
 */
import { mkdtempSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Task } from "../../shared/api/tasks.ts";
import { layout } from "../../shared/store/layout.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import { LocalQueue } from "../queue/local-queue.ts";
import { IndexMap } from "../worker/index-map.ts";
import type { IndexSink } from "../worker/sync-documents.ts";
import { runWorker, type WorkerOptions, type WorkerReport } from "../worker/worker.ts";
import { type OpenedTasks, openTasks, type OpenTasksOptions } from "./open-tasks.ts";
import { addRequest, uploadIdOf } from "./testing.ts";

/** An index: name → bytes of the documents that are committed. Two pages each, the second without text. */
export class NotingSink {
  readonly documents = new Map<string, string>();
  readonly metadata = new Map<string, unknown>();
  /** Runs before the commit, with the names of the files. */
  during: (names: string[]) => Promise<void> = async () => undefined;

  ingest: IndexSink["ingest"] = async (_index, files, { signal, discard, onPage, onFile, onCommitted }) => {
    const failed = [];
    const added: string[] = [];
    for (const { name, path, metadata } of files) {
      if (signal.aborted) break;
      const text = await readFile(path, "utf8");
      onPage?.(name, 2, true);
      onPage?.(name, 2, false);
      if (text.startsWith("bad")) {
        failed.push({ name, code: "file_unreadable", reason: `${name} is bad` } as const);
        onFile(name, "failed");
      } else if (this.documents.get(name) === text) onFile(name, "unchanged");
      else {
        onFile(name, this.documents.has(name) ? "replaced" : "added");
        added.push(name);
        this.metadata.set(name, metadata);
      }
    }
    await this.during(added);
    if (discard?.aborted === true) return { failed };
    for (const file of files.filter(({ name }) => added.includes(name))) {
      this.documents.set(file.name, await readFile(file.path, "utf8"));
      onCommitted?.(file.name);
    }
    return { failed };
  };
}

/** All of it for one test; its time is `now.ms`. */
export class TaskBench {
  readonly store: MemoryStore;
  readonly now = { ms: Date.now() };
  readonly clock = { nowMs: () => this.now.ms, sleep: async () => undefined };
  readonly sink = new NotingSink();
  readonly log: string[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), "maxleaf-tasks-"));
  readonly queue = LocalQueue.open(join(this.#folder, "queue.sqlite"), { clock: this.clock });
  opened: OpenedTasks;

  constructor(store = new MemoryStore()) {
    this.store = store;
    // Its own waiting needs a clock that goes on.
    const receive = this.queue.receive.bind(this.queue);
    this.queue.receive = async (options) => await receive({ ...options, waitMs: 0 });
    this.opened = this.open();
  }

  open(options: Partial<OpenTasksOptions> = {}): OpenedTasks {
    const { store, queue, sink, clock } = this;
    const onLog = (line: string) => void this.log.push(line);
    return openTasks({ store, queue, sink, ports: {}, clock, beatMs: 5, onLog, ...options });
  }

  /** A task of documents whose uploads hold their names. */
  async create(names: readonly string[], more: { webhookUrl?: string } = {}): Promise<Task> {
    for (const name of names) await this.store.put(layout.upload(uploadIdOf(name)), new TextEncoder().encode(name));
    return await this.opened.store.create(addRequest(names, more));
  }

  async read(id: string): Promise<Task> {
    return await this.opened.store.read(id);
  }

  /** A worker until the queue is empty. */
  async work(options: Partial<WorkerOptions> = {}): Promise<WorkerReport> {
    return await runWorker({
      queue: this.queue,
      map: new IndexMap([]),
      source: () => this.store,
      sink: { ingest: this.sink.ingest, remove: async () => [] },
      tasks: this.opened.runner,
      once: true,
      signal: new AbortController().signal,
      onLog: (line) => void this.log.push(line),
      ...options,
    });
  }

  async keysOf(prefix: string): Promise<string[]> {
    return (await this.store.list(prefix)).objects.map(({ key }) => key);
  }

  async close(): Promise<void> {
    this.queue.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
