/**
 * A worker that does tasks, as a process to be killed: `node task-worker.ts '{"folder": …}'`. Bucket and queue are files of
 * the folder, holds and leases are short. With `stuck` its ingestion never ends and heeds no signal.
 */
import { join } from "node:path";
import { z } from "zod";
import { LocalQueue } from "../../../encoder/queue/local-queue.ts";
import { loadModel } from "../../../encoder/models/registry.ts";
import { FolderStore } from "../../../encoder/storage/folder-store.ts";
import { openTasks } from "../../../encoder/tasks/open-tasks.ts";
import { IndexMap } from "../../../encoder/worker/index-map.ts";
import { DocumentSink } from "../../../encoder/worker/index-sink.ts";
import { runWorker } from "../../../encoder/worker/worker.ts";

const options = z
  .object({ folder: z.string(), once: z.boolean(), stuck: z.boolean(), graceMs: z.number(), holdMs: z.number() })
  .parse(JSON.parse(process.argv[2] ?? ""));

const stop = new AbortController();
process.on("SIGTERM", () => stop.abort());
const store = new FolderStore(join(options.folder, "bucket"));
const queue = LocalQueue.open(join(options.folder, "queue.sqlite"));
const documents = new DocumentSink({ store, defaultRecipe: "minilm-words", loadModel });
const sink = options.stuck
  ? { ingest: async () => await new Promise<never>(() => setInterval(() => undefined, 1_000)), remove: async () => [] }
  : documents;
const onLog = (line: string) => console.error(line);
const { holdMs, graceMs, once } = options;
const tasks = openTasks({ store, queue, sink, ports: {}, leaseMs: holdMs, beatMs: 20, onLog });
const report = await runWorker({
  queue,
  sink,
  map: new IndexMap([]),
  source: () => store,
  tasks: tasks.runner,
  once,
  graceMs,
  hold: { holdMs, heartbeatMs: holdMs / 4 },
  signal: stop.signal,
  onLog,
});
console.log(JSON.stringify(report));
process.exit();
