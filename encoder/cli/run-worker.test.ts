/**
 * The worker as the command runs it: local queue, folder as bucket, real model; the index in memory.
 */
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { encodeAlias } from "../../shared/format/aliases.ts";
import { layout } from "../../shared/store/layout.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import { LocalQueue } from "../queue/local-queue.ts";
import { TaskStore } from "../tasks/task-store.ts";
import { EXIT } from "./exit-codes.ts";
import { readDocuments } from "./index-access.ts";
import { runWorkerCommand, type RunWorkerOptions } from "./run-worker.ts";
import { recordingTerminal, type RecordingTerminal } from "./testing.ts";

const SAMPLE = join(import.meta.dirname, "../samples/pdf/ferry-timetable-2026.pdf");

let folder: string;
let inbox: string;
let store: MemoryStore;
let terminal: RecordingTerminal;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-run-worker-"));
  inbox = join(folder, "buckets", "inbox");
  await mkdir(inbox, { recursive: true });
  store = new MemoryStore();
  terminal = recordingTerminal();
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

const context = () => ({ terminal, signal: new AbortController().signal, env: {}, exitCode: EXIT.ok });

async function work(options: Partial<RunWorkerOptions> = {}) {
  return await runWorkerCommand(context(), store, {
    dataDir: folder,
    map: ["inbox=inbox"],
    sourceFolder: join(folder, "buckets"),
    once: true,
    scan: true,
    calibrate: false,
    ...options,
  });
}

it("makes an index what a folder is, at every scan", async () => {
  await copyFile(SAMPLE, join(inbox, "ferry.pdf"));
  await copyFile(SAMPLE, join(inbox, "copy.pdf"));
  await writeFile(join(inbox, "broken.png"), "no picture");
  expect(await work()).toEqual({ acknowledged: 2, givenBack: 0, setAside: 1 });
  const names = async () => (await readDocuments(store, "inbox")).map(({ entry }) => entry.name);
  expect(await names()).toEqual(["copy.pdf", "ferry.pdf"]);
  const queue = LocalQueue.open(join(folder, "queue.sqlite"));
  expect(queue.deadLetters()).toMatchObject([
    { reason: expect.stringMatching(/broken\.png in inbox: file_unsupported/) },
  ]);
  queue.close();

  await rm(join(inbox, "copy.pdf"));
  await rm(join(inbox, "broken.png"));
  expect(await work()).toEqual({ acknowledged: 2, givenBack: 0, setAside: 0 });
  expect(await names()).toEqual(["ferry.pdf"]);
  expect(terminal.stderr).toMatch(/inbox\/copy\.pdf in inbox: deleted \(done\)\n/);
  expect(terminal.stderr).toMatch(/inbox\/ferry\.pdf in inbox: unchanged \(done\)\n/);
  expect(terminal.stdout).toBe("");
});

it.each([
  [{ map: ["inbox"] }, "invalid_request"],
  [{ map: ["inbox=In Box"] }, "invalid_name"],
  [{ queue: "redis://localhost" }, "invalid_request"],
  [{ recipe: "no-such-recipe" }, "recipe_not_found"],
  [{ sourceFolder: "/no/such/folder" }, "store_unavailable"],
])("says what is wrong with %o", async (options, code) => {
  await expect(work(options)).rejects.toMatchObject({ code });
});

it("does not begin when two mappings are one index, by its name and by an alias", async () => {
  await store.put(layout.alias("current"), encodeAlias({ index: "inbox", changedAtMs: 1 }));
  const map = ["inbox=inbox", "outbox=current"];
  await expect(work({ map })).rejects.toMatchObject({ code: "invalid_request" });
  expect(await readDocuments(store, "inbox").catch((error: unknown) => error)).toMatchObject({
    code: "index_not_found",
  });
});

it("does tasks, without any mapping too", async () => {
  const queue = LocalQueue.open(join(folder, "queue.sqlite"));
  const tasks = new TaskStore({ store, queue });
  await store.put(layout.upload("an-upload"), await readFile(SAMPLE));
  const document = { name: "ferry.pdf", metadata: { kind: "timetable" } } as const;
  const { id } = await tasks.create({
    type: "documents.add",
    index: "tasks",
    documents: [{ ...document, source: { kind: "upload", uploadId: "an-upload" } }],
  });
  expect(await work({ map: [], scan: false })).toEqual({ acknowledged: 1, givenBack: 0, setAside: 0 });
  queue.close();
  const [stored] = await readDocuments(store, "tasks");
  expect(stored?.entry).toMatchObject(document);
  const pageCount = stored?.entry.pageCount ?? 0;
  expect(await tasks.read(id)).toMatchObject({
    status: "succeeded",
    documents: [{ name: "ferry.pdf", status: "added", pageCount, pagesDone: pageCount, pagesWithoutText: 0 }],
  });
  expect(await store.get(layout.upload("an-upload"))).toBeUndefined();
});
