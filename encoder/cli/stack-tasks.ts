/**
 * Writing over HTTP in the local stack: what its encoder service writes with, and a worker in this process that does the
 * tasks.
 *
 * @module
 */
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import type { AdminServices } from "../admin/admin-services.ts";
import { openAdmin } from "../admin/open-admin.ts";
import type { DataDir } from "../local/data-dir.ts";
import type { LoadOptions } from "../models/model.ts";
import { LocalQueue } from "../queue/local-queue.ts";
import { TaskStore } from "../tasks/task-store.ts";
import type { CommandContext } from "./context.ts";
import { openLocalBucket } from "./open-store.ts";

export interface StackTasksOptions {
  dataDir: DataDir;
  modelOptions: LoadOptions;
  /** Of scans, as `parseOcrLanguages` takes them; `undefined`: scans are not read. */
  ocrLanguage: string | undefined;
}

/** Tasks of one stack. */
export class StackTasks {
  readonly #context: CommandContext;
  readonly #options: StackTasksOptions;
  readonly #stop = new AbortController();
  readonly #closers: (() => void)[] = [];
  readonly #failure = Promise.withResolvers<never>();
  #worker: Promise<unknown> = Promise.resolve();

  constructor(context: CommandContext, options: StackTasksOptions) {
    this.#context = context;
    this.#options = options;
    // Nobody may be waiting for it.
    this.#failure.promise.catch(() => undefined);
  }

  /** Rejects when the worker ends without being asked to. */
  get failure(): Promise<never> {
    return this.#failure.promise;
  }

  /** For `StackOptions.openAdmin`. Errors: `invalid_request`, `queue_unavailable`, `unsupported_format_version`. */
  openAdmin(edgeUrl: string): AdminServices {
    const { dataDir, modelOptions } = this.#options;
    const queue = LocalQueue.open(dataDir.taskQueue);
    this.#closers.push(() => queue.close());
    const store = openLocalBucket(edgeUrl);
    this.#closers.push(() => store.close());
    const tasks = new TaskStore({ store, queue });
    return openAdmin({ store, tasks, env: this.#context.env, modelOptions });
  }

  /** Does tasks until `stop`. What the worker says goes to a file: a terminal with progress bars has no room for it. */
  async start(store: ObjectStore): Promise<void> {
    const { dataDir, modelOptions, ocrLanguage } = this.#options;
    // Loaded here: the stack answers before the pipeline's modules are read.
    const { runWorkerCommand } = await import("./run-worker.ts");
    const log = createWriteStream(join(dataDir.logs, "tasks.log"), { flags: "a" });
    const terminal = { ...this.#context.terminal, err: (text: string) => void log.write(text) };
    const signal = AbortSignal.any([this.#context.signal, this.#stop.signal]);
    const queue = `sqlite:${dataDir.taskQueue}`;
    const options = { dataDir: dataDir.path, queue, map: [], modelOptions, ocrLanguage };
    this.#worker = runWorkerCommand({ ...this.#context, terminal, signal }, store, options)
      .catch((error: unknown) => this.#failure.reject(error))
      .finally(() => log.end());
  }

  /** Stops the worker, which commits what is finished. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#worker;
  }

  /** Closes queue and bucket: no request may come any more. */
  close(): void {
    for (const close of this.#closers.splice(0)) close();
  }
}
