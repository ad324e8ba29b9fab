/**
 * Workers as processes that are killed or stopped in the middle of a task, over a bucket and a queue in files.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import PDFDocument from "pdfkit";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { LocalQueue } from "../../encoder/queue/local-queue.ts";
import { DocumentTables } from "../../encoder/indexing/document-index.ts";
import { FolderStore } from "../../encoder/storage/folder-store.ts";
import type { TaskRecord } from "../../encoder/tasks/task-record.ts";
import { TaskStore } from "../../encoder/tasks/task-store.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
import { layout, OPEN_TASKS_PREFIX, UPLOADS_PREFIX } from "../../shared/store/layout.ts";

const SCRIPT = fileURLToPath(new URL("support/task-worker.ts", import.meta.url));
const INDEX = "notes";
const PAGES = 24;
const HOLD_MS = 5_000;
const POLL_MS = 20;
/** Each test runs two processes that load a model; on a busy machine that takes a while. */
const TIMEOUT_MS = 180_000;

let source: Buffer;
let folder: string;
let store: FolderStore;
let queue: LocalQueue;
let tasks: TaskStore;
let workers: ChildProcess[];

beforeAll(async () => {
  const document = new PDFDocument({ autoFirstPage: false });
  const bytes = (async () => await new Response(ReadableStream.from(document)).bytes())();
  for (let page = 1; page <= PAGES; page++) document.addPage().text(`page ${page} of a story`);
  document.end();
  source = Buffer.from(await bytes);
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-task-workers-"));
  await mkdir(join(folder, "bucket"));
  store = new FolderStore(join(folder, "bucket"));
  queue = LocalQueue.open(join(folder, "queue.sqlite"));
  tasks = new TaskStore({ store, queue });
  workers = [];
});
afterEach(async () => {
  for (const worker of workers) worker.kill("SIGKILL");
  queue.close();
  await rm(folder, { recursive: true, force: true });
});

function startWorker(given: { once?: boolean; stuck?: boolean; graceMs?: number } = {}) {
  const options = { folder, once: false, stuck: false, graceMs: 20_000, holdMs: HOLD_MS, ...given };
  const child = spawn(process.execPath, [SCRIPT, JSON.stringify(options)], { stdio: ["ignore", "pipe", "pipe"] });
  workers.push(child);
  const said = Promise.all([text(child.stdout), text(child.stderr)]);
  return { child, ended: once(child, "exit").then(async () => await said) };
}

async function createTask(): Promise<string> {
  await store.put(layout.upload("an-upload"), source);
  const document = { name: "story.pdf", source: { kind: "upload", uploadId: "an-upload" } } as const;
  return (await tasks.create({ type: "documents.add", index: INDEX, documents: [document] })).id;
}

async function until(id: string, holds: (record: TaskRecord) => boolean): Promise<TaskRecord> {
  for (;;) {
    const record = await tasks.readRecord(id);
    if (holds(record)) return record;
    await sleep(POLL_MS);
  }
}

const isHalfDone = ({ task }: TaskRecord) => {
  const { pagesDone = 0 } = task.documents?.[0] ?? {};
  return pagesDone > 0 && pagesDone < PAGES;
};

async function pagesOf(): Promise<number[]> {
  const manifest = await readManifest(store, INDEX);
  if (manifest === undefined) return [];
  const live = await new DocumentTables(store, INDEX).liveDocuments(manifest);
  return [...live.values()].map(({ entry }) => entry.pageCount);
}

async function expectDone(id: string, attempts: number): Promise<void> {
  expect(await tasks.readRecord(id)).toMatchObject({
    task: { status: "succeeded", attempts, progress: 1, documents: [{ pageCount: PAGES, pagesDone: PAGES }] },
    closedAtMs: expect.any(Number),
  });
  expect(await pagesOf()).toEqual([PAGES]);
  for (const prefix of [UPLOADS_PREFIX, OPEN_TASKS_PREFIX]) expect((await store.list(prefix)).objects).toEqual([]);
  expect([queue.depth(), queue.deadLetters()]).toEqual([0, []]);
}

describe("a worker", { timeout: TIMEOUT_MS }, () => {
  it("that is killed in the middle of a task loses nothing: another finishes it", async () => {
    const id = await createTask();
    const first = startWorker();
    await until(id, isHalfDone);
    first.child.kill("SIGKILL");
    await first.ended;
    expect(await pagesOf()).toEqual([]);
    expect(await tasks.readRecord(id)).toMatchObject({ task: { status: "processing" }, lease: expect.any(Object) });

    await sleep(HOLD_MS);
    await startWorker({ once: true }).ended;
    await expectDone(id, 2);
  });

  it("that gets SIGTERM in the middle of a document gives it back at once, as no attempt", async () => {
    const id = await createTask();
    const first = startWorker();
    await until(id, isHalfDone);
    first.child.kill("SIGTERM");
    const [report] = await first.ended;
    expect(JSON.parse(report)).toEqual({ acknowledged: 0, givenBack: 1, setAside: 0 });
    expect(await tasks.readRecord(id)).toMatchObject({
      task: { status: "enqueued", documents: [{ status: "waiting" }] },
      spentAttempts: 0,
    });

    await startWorker({ once: true }).ended;
    await expectDone(id, 2);
  });

  it("that gets SIGTERM while it is stuck ends with the grace, and another takes the task at once", async () => {
    const id = await createTask();
    const first = startWorker({ stuck: true, graceMs: 200 });
    await until(id, ({ task }) => task.documents?.[0]?.status === "processing");
    first.child.kill("SIGTERM");
    const [report, log] = await first.ended;
    expect(JSON.parse(report)).toEqual({ acknowledged: 0, givenBack: 1, setAside: 0, isAbandoned: true });
    expect(log).toMatch(/not done after 0\.2 s: giving back 1 messages/);
    expect(await tasks.readRecord(id)).toMatchObject({ task: { status: "enqueued" }, spentAttempts: 0 });

    await startWorker({ once: true }).ended;
    await expectDone(id, 2);
  });
});
