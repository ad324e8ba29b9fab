/**
 * Tasks as they are done: see also task-stop.test.ts.
 */
import { writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MaxleafError } from "../../shared/errors.ts";
import { layout, OPEN_TASKS_PREFIX, UPLOADS_PREFIX } from "../../shared/store/layout.ts";
import { MAX_RECEIVES } from "../queue/queue.ts";
import type { TaskRequest } from "./contract.ts";
import { newTaskId } from "./task-id.ts";
import { taskMessage } from "./task-message.ts";
import { TaskBench } from "./testing-bench.ts";
import { uploadIdOf } from "./testing.ts";

const HOUR_MS = 60 * 60 * 1_000;

let bench: TaskBench;
beforeEach(() => void (bench = new TaskBench()));
afterEach(async () => await bench.close());

describe("a task", () => {
  it("adds its documents, counts their pages, and leaves nothing behind", async () => {
    const { id } = await bench.create(["a.pdf", "b.pdf"]);
    expect(await bench.work()).toEqual({ acknowledged: 1, givenBack: 0, setAside: 0 });
    const document = { status: "added", pageCount: 2, pagesDone: 2, pagesWithoutText: 1 };
    expect(await bench.read(id)).toMatchObject({
      status: "succeeded",
      attempts: 1,
      progress: 1,
      startedAt: expect.any(String),
      finishedAt: expect.any(String),
      documents: [
        { name: "a.pdf", ...document },
        { name: "b.pdf", ...document },
      ],
    });
    expect([...bench.sink.documents]).toEqual([
      ["a.pdf", "a.pdf"],
      ["b.pdf", "b.pdf"],
    ]);
    expect([await bench.keysOf(UPLOADS_PREFIX), await bench.keysOf(OPEN_TASKS_PREFIX), bench.queue.depth()]).toEqual([
      [],
      [],
      0,
    ]);
  });

  it("gives every document its metadata and fetches those that have addresses", async () => {
    const asked: string[] = [];
    bench.opened = bench.open({
      ports: {
        fetchDocument: async (url, path) => {
          asked.push(url);
          if (url.endsWith("gone")) throw new MaxleafError("url_not_allowed", "not this one");
          await writeFile(path, url);
        },
      },
    });
    const source = (url: string) => ({ kind: "url" as const, url });
    const request: TaskRequest = {
      type: "documents.add",
      index: "notes",
      documents: [
        { name: "a.pdf", source: source("https://x.org/a"), metadata: { kind: "letter" } },
        { name: "b.pdf", source: source("https://x.org/gone") },
        { name: "c.pdf", source: { kind: "upload", uploadId: "nothing" } },
      ],
    };
    const { id } = await bench.opened.store.create(request);
    await bench.work();
    expect(await bench.read(id)).toMatchObject({
      status: "failed",
      error: { code: "url_not_allowed", detail: "2 of 3 documents failed; b.pdf: not this one" },
      documents: [
        { status: "added" },
        { status: "failed", error: { code: "url_not_allowed" } },
        { status: "failed", error: { code: "upload_not_found" } },
      ],
    });
    expect(asked.toSorted()).toEqual(["https://x.org/a", "https://x.org/gone"]);
    expect(bench.sink.metadata.get("a.pdf")).toEqual({ kind: "letter" });
  });

  it("is done once, however often its message comes", async () => {
    const { id } = await bench.create(["a.pdf"]);
    await bench.queue.send([taskMessage(id), taskMessage(id)]);
    expect(await bench.work()).toMatchObject({ acknowledged: 3 });
    await bench.queue.send([taskMessage(id)]);
    expect(await bench.work()).toMatchObject({ acknowledged: 1 });
    expect(await bench.read(id)).toMatchObject({ attempts: 1, status: "succeeded" });
  });

  it("is left to the worker that has it", async () => {
    const { id } = await bench.create(["a.pdf"]);
    let second: unknown;
    bench.sink.during = async () => {
      await bench.queue.send([taskMessage(id)]);
      second = await bench.work({ tasks: bench.open().runner });
    };
    expect(await bench.work()).toMatchObject({ acknowledged: 1 });
    expect(second).toEqual({ acknowledged: 0, givenBack: 1, setAside: 0 });
    bench.now.ms += HOUR_MS;
    expect(await bench.work()).toMatchObject({ acknowledged: 1 });
    expect(await bench.read(id)).toMatchObject({ attempts: 1 });
  });

  it("is another's from the moment that one takes it, also when that shows at the end", async () => {
    bench.opened = bench.open({ beatMs: 600_000 });
    const { id } = await bench.create(["a.pdf"]);
    const lease = { holder: "another", untilMs: bench.now.ms + HOUR_MS };
    let reads = 0;
    const get = bench.store.get.bind(bench.store);
    bench.sink.during = async () => {
      await bench.opened.store.update(id, (record) => ({ ...record, lease }));
      bench.store.get = async (...args) => {
        reads += 1;
        return await get(...args);
      };
    };
    expect(await bench.work()).toEqual({ acknowledged: 1, givenBack: 0, setAside: 0 });
    expect(reads).toBe(1);
    expect(await bench.opened.store.readRecord(id)).toMatchObject({ lease, task: { status: "processing" } });
  });

  it("goes on where a crash interrupted it", async () => {
    const { id } = await bench.create(["a.pdf", "bad.pdf", "b.pdf"]);
    // As it is after a.pdf was committed and noted, b.pdf committed and not noted.
    await bench.opened.store.update(id, (record) => ({
      ...record,
      task: {
        ...record.task,
        status: "processing",
        attempts: 1,
        documents: (record.task.documents ?? []).map((document) => ({
          ...document,
          status: document.name === "a.pdf" ? ("added" as const) : ("processing" as const),
          pagesDone: 1,
        })),
      },
      lease: { holder: "dead", untilMs: bench.now.ms + 60_000 },
      spentAttempts: 1,
    }));
    await bench.store.delete([layout.upload(uploadIdOf("a.pdf"))]);
    bench.sink.documents.set("a.pdf", "a.pdf").set("b.pdf", "b.pdf");
    expect(await bench.work()).toMatchObject({ givenBack: 1 });
    bench.now.ms += 60_001;
    await bench.work();
    expect(await bench.read(id)).toMatchObject({
      status: "failed",
      attempts: 2,
      error: { code: "file_unreadable", detail: "1 of 3 documents failed; bad.pdf: bad.pdf is bad" },
      documents: [{ status: "added" }, { status: "failed" }, { status: "unchanged", pagesDone: 2 }],
    });
  });

  it("is tried again after an outage, and has failed after the fifth time", async () => {
    const { id } = await bench.create(["a.pdf"]);
    bench.sink.during = async () => {
      throw new MaxleafError("store_unavailable", "it is away");
    };
    for (let attempt = 1; attempt < MAX_RECEIVES; attempt++) {
      expect(await bench.work()).toMatchObject({ givenBack: 1 });
      expect(await bench.read(id)).toMatchObject({
        status: "enqueued",
        attempts: attempt,
        error: { code: "store_unavailable" },
        documents: [{ status: "waiting" }],
      });
      bench.now.ms += 24 * HOUR_MS;
    }
    expect(await bench.work()).toMatchObject({ acknowledged: 1 });
    expect(await bench.read(id)).toMatchObject({
      status: "failed",
      error: { code: "store_unavailable", detail: "it is away" },
    });
    expect([await bench.keysOf(UPLOADS_PREFIX), bench.queue.deadLetters()]).toEqual([[], []]);
  });

  it("fetches nothing more after a failure that is no document's", async () => {
    const asked: string[] = [];
    bench.opened = bench.open({
      ports: {
        fetchDocument: async (url, path) => {
          asked.push(url);
          await sleep(20);
          await writeFile(path, url);
        },
      },
    });
    const urls = Array.from({ length: 20 }, (_, at) => `https://x.org/${at}`);
    const { id } = await bench.opened.store.create({
      type: "documents.add",
      index: "notes",
      documents: [
        { name: "upload.pdf", source: { kind: "upload", uploadId: "away" } },
        ...urls.map((url, at) => ({ name: `${at}.pdf`, source: { kind: "url" as const, url } })),
      ],
    });
    const get = bench.store.get.bind(bench.store);
    bench.store.get = async (key, range) => {
      if (key === layout.upload("away")) throw new MaxleafError("store_unavailable", "it is away");
      return await get(key, range);
    };
    expect(await bench.work()).toMatchObject({ givenBack: 1 });
    expect(await bench.read(id)).toMatchObject({ status: "enqueued", error: { code: "store_unavailable" } });
    expect(asked).toEqual(urls.slice(0, 3));
    await sleep(100);
    expect(asked).toHaveLength(3);
  });

  it("forgets the error of an attempt when a later one succeeds", async () => {
    const { id } = await bench.create(["a.pdf"]);
    bench.sink.during = async () => {
      throw new MaxleafError("model_unavailable", "it is away");
    };
    await bench.work();
    bench.sink.during = async () => undefined;
    bench.now.ms += HOUR_MS;
    await bench.work();
    const task = await bench.read(id);
    expect([task.status, task.error]).toEqual(["succeeded", undefined]);
  });

  it("has failed, and is not forgotten, when its workers die of it", async () => {
    const { id } = await bench.create(["a.pdf"]);
    for (let attempt = 1; attempt <= MAX_RECEIVES; attempt++) {
      // A worker that dies says nothing to anybody.
      const [message] = await bench.queue.receive({ max: 1, waitMs: 0, visibilityMs: 60_000 });
      expect(message?.receiveCount).toBe(attempt);
      await bench.opened.store.update(id, (record) => ({
        ...record,
        task: { ...record.task, status: "processing" },
        lease: { holder: `dead ${attempt}`, untilMs: bench.now.ms + 60_000 },
        spentAttempts: attempt,
      }));
      bench.now.ms += 60_001;
    }
    // The queue gives its message no more.
    expect(await bench.work()).toMatchObject({ acknowledged: 0 });
    expect(bench.queue.deadLetters()).toHaveLength(1);
    bench.now.ms += HOUR_MS;
    await bench.opened.keeper.round();
    await bench.work();
    expect(await bench.read(id)).toMatchObject({
      status: "failed",
      error: { code: "internal", detail: "begun 5 times and never finished: its workers died" },
      documents: [{ status: "failed" }],
    });
  });

  it("that cannot be read is set aside with the reason, and other tasks are done", async () => {
    const broken = await bench.create(["a.pdf"]);
    const good = await bench.create(["b.pdf"]);
    await bench.store.put(layout.task(broken.id), new TextEncoder().encode('{"format": 1}'));
    expect(await bench.work()).toEqual({ acknowledged: 1, givenBack: 0, setAside: 1 });
    expect(bench.queue.deadLetters()[0]?.reason).toMatch(/corrupt_data: task .* is corrupt/);
    expect(await bench.read(good.id)).toMatchObject({ status: "succeeded" });
  });

  it("that is not there is nothing to do", async () => {
    await bench.queue.send([taskMessage(newTaskId(bench.now.ms))]);
    expect(await bench.work()).toMatchObject({ acknowledged: 1 });
  });

  it("is set aside by a worker that does none", async () => {
    await bench.create(["a.pdf"]);
    expect(await bench.work({ tasks: undefined })).toMatchObject({ setAside: 1 });
  });

  it("of maintenance fails at once without its index", async () => {
    for (const type of ["index.compact", "index.retrain"] as const) {
      const { id } = await bench.opened.store.create({ type, index: "nothing" });
      await bench.work();
      expect(await bench.read(id)).toMatchObject({ status: "failed", error: { code: "index_not_found" } });
    }
  });
});
