import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { MaxleafError } from "../../shared/errors.ts";
import { MAX_TASK_DOCUMENTS } from "../../shared/limits.ts";
import { layout, OPEN_TASKS_PREFIX } from "../../shared/store/layout.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import type { PutOptions } from "../../shared/store/object-store.ts";
import { createdAtMs, isTaskId, newTaskId } from "./task-id.ts";
import { MAX_LISTED_TASKS, MAX_READS } from "./task-list.ts";
import { taskMessage, taskOfMessage } from "./task-message.ts";
import { decodeTask, encodeTask, MAX_TASK_BYTES } from "./task-record.ts";
import { finished, TaskStore } from "./task-store.ts";
import { addRequest, ManualClock, NotedMessages, START_MS, uploaded } from "./testing.ts";

let store: CountedStore;
let queue: NotedMessages;
let clock: ManualClock;
let warnings: string[];
let tasks: TaskStore;
beforeEach(() => {
  store = new CountedStore();
  queue = new NotedMessages();
  clock = new ManualClock();
  warnings = [];
  tasks = new TaskStore({ store, queue, clock, onWarning: (message) => void warnings.push(message) });
});

/** Counts reads and runs `beforePut` once, before the next write takes effect. */
class CountedStore extends MemoryStore {
  reads = 0;
  beforePut: (() => Promise<void>) | undefined;
  afterPut: (() => void) | undefined;

  override async get(...args: Parameters<MemoryStore["get"]>) {
    this.reads++;
    return await super.get(...args);
  }
  override async put(key: string, bytes: Uint8Array, options?: PutOptions) {
    const before = this.beforePut;
    this.beforePut = undefined;
    await before?.();
    const done = await super.put(key, bytes, options);
    const after = this.afterPut;
    this.afterPut = undefined;
    after?.();
    return done;
  }
}

async function create(name = "a.pdf", index = "notes") {
  clock.ms += 1_000;
  return await tasks.create(addRequest([name], { index }));
}

describe("ids of tasks", () => {
  it("are newest first in key order, and say when the task was made", () => {
    const time = fc.integer({ min: 0, max: 0xffff_ffff_ffff });
    fc.assert(
      fc.property(time, time, (a, b) => {
        const [older, newer] = a < b ? [a, b] : [b, a];
        expect(createdAtMs(newTaskId(older))).toBe(older);
        if (older < newer) expect(newTaskId(newer) < newTaskId(older)).toBe(true);
        expect(isTaskId(newTaskId(older))).toBe(true);
      }),
    );
  });

  it("are found in their messages only", () => {
    const id = newTaskId(START_MS);
    expect(taskOfMessage(taskMessage(id))).toBe(id);
    for (const body of ["", "{", '{"maxleafTask": "../x"}', '{"maxleafTask": 1}', '{"Records": []}']) {
      expect(taskOfMessage(body)).toBeUndefined();
    }
  });
});

describe("TaskStore", () => {
  it("stores a task, its marker and its message", async () => {
    const task = await tasks.create(addRequest(["a.pdf", "b.pdf"], { webhookUrl: "https://example.org/hook" }));
    expect(task).toMatchObject({
      type: "documents.add",
      index: "notes",
      status: "enqueued",
      enqueuedAt: "2026-01-01T00:00:00.000Z",
      attempts: 0,
      progress: 0,
      documents: [{ name: "a.pdf", status: "waiting", pagesDone: 0 }, { name: "b.pdf" }],
      webhook: { url: "https://example.org/hook", attempts: 0 },
    });
    expect(await tasks.read(task.id)).toEqual(task);
    expect(queue.bodies).toEqual([taskMessage(task.id)]);
    expect((await store.list(OPEN_TASKS_PREFIX)).objects.map(({ key }) => key)).toEqual([layout.openTask(task.id)]);
    expect((await tasks.readRecord(task.id)).inputs).toEqual([
      { source: { kind: "upload", uploadId: "a-pdf" } },
      { source: { kind: "upload", uploadId: "b-pdf" } },
    ]);
  });

  it("fails a task whose message could not be sent", async () => {
    queue.failure = new MaxleafError("queue_unavailable", "it is away");
    await expect(create()).rejects.toBe(queue.failure);
    const [task] = (await tasks.list({ limit: 1 })).tasks;
    expect(task).toMatchObject({ status: "failed", error: { code: "queue_unavailable", detail: "it is away" } });
  });

  it("refuses what is no task, before it stores anything", async () => {
    const invalid = expect.objectContaining({ code: "invalid_request" });
    const document = uploaded("a.pdf");
    const many = Array.from({ length: MAX_TASK_DOCUMENTS + 1 }, (_, at) => uploaded(`${at}.pdf`));
    for (const documents of [
      [],
      many,
      [{ ...document, source: { kind: "upload" as const, uploadId: "../indexes/x" } }],
      [{ ...document, source: { kind: "url" as const, url: "no address" } }],
      [{ ...document, metadata: { a: "x".repeat(1_000) } }],
    ]) {
      await expect(tasks.create({ type: "documents.add", index: "notes", documents })).rejects.toEqual(invalid);
    }
    const large = Array.from({ length: MAX_TASK_DOCUMENTS }, (_, at) => ({
      name: "x".repeat(900) + at,
      source: { kind: "url" as const, url: `https://example.org/${"x".repeat(1_900)}` },
    }));
    const creating = tasks.create({ type: "documents.add", index: "notes", documents: large });
    await expect(creating).rejects.toMatchObject({ code: "body_too_large" });
    await expect(tasks.create(addRequest(["../a.pdf"]))).rejects.toMatchObject({ code: "invalid_name" });
    await expect(tasks.create(addRequest(["a.pdf"], { index: "../x" }))).rejects.toMatchObject({
      code: "invalid_name",
    });
    await expect(tasks.create(addRequest(["a.pdf", "a.pdf"]))).rejects.toEqual(invalid);
    expect((await store.list("")).objects).toEqual([]);
  });

  it("lists newest first, page by page, each once, whatever comes meanwhile", async () => {
    const made: string[] = [];
    for (let count = 0; count < 7; count++) made.unshift((await create()).id);
    const listed: string[] = [];
    let cursor: string | undefined;
    do {
      store.reads = 0;
      const page = await tasks.list({ limit: 3, cursor });
      expect(store.reads).toBeLessThanOrEqual(3);
      listed.push(...page.tasks.map(({ id }) => id));
      cursor = page.nextCursor;
      await create();
    } while (cursor !== undefined);
    expect(listed).toEqual(made);
  });

  it("lists by index and status for a bounded number of reads", async () => {
    for (let count = 0; count < MAX_READS + 20; count++) await create("a.pdf", "many");
    clock.ms = START_MS - 1_000_000;
    const { id } = await create("a.pdf", "few");
    await tasks.update(id, (record) => finished(record, "succeeded", clock.ms));
    store.reads = 0;
    const first = await tasks.list({ limit: 10, index: "few" });
    expect([first.tasks, store.reads]).toEqual([[], MAX_READS]);
    const second = await tasks.list({ limit: 10, index: "few", cursor: first.nextCursor });
    expect(second).toMatchObject({ tasks: [{ id }] });
    expect(second.nextCursor).toBeUndefined();
    expect(
      (await tasks.list({ limit: MAX_LISTED_TASKS, status: "succeeded", cursor: first.nextCursor })).tasks,
    ).toHaveLength(1);
  });

  it("refuses limits and cursors that are none", async () => {
    const refused = expect.objectContaining({ code: "invalid_request" });
    for (const limit of [0, 1.5, MAX_LISTED_TASKS + 1]) {
      await expect(tasks.list({ limit })).rejects.toEqual(refused);
    }
    for (const cursor of ["", "xyz", Buffer.from('{"after": "../"}').toString("base64url"), "a".repeat(5_000)]) {
      await expect(tasks.list({ limit: 1, cursor })).rejects.toEqual(refused);
    }
  });

  it("leaves what it cannot read out of lists, and says so", async () => {
    const { id } = await create();
    await create();
    await store.put(layout.task(id), new TextEncoder().encode("{"));
    expect((await tasks.list({ limit: 10 })).tasks).toHaveLength(1);
    expect(warnings).toEqual([`task ${id} is corrupt: it is no JSON`]);
  });

  it("cancels a waiting task at once and asks the worker of a running one", async () => {
    const waiting = await create();
    expect(await tasks.cancel(waiting.id)).toMatchObject({
      status: "canceled",
      finishedAt: expect.any(String),
      documents: [{ status: "canceled" }],
    });
    await expect(tasks.cancel(waiting.id)).rejects.toMatchObject({ code: "task_not_cancelable" });

    const running = await create();
    await tasks.update(running.id, (record) => ({ ...record, task: { ...record.task, status: "processing" } }));
    const asked = await tasks.cancel(running.id);
    expect(asked).toMatchObject({ status: "processing", cancelRequestedAt: expect.any(String) });
    expect(await tasks.cancel(running.id)).toEqual(asked);
    for (const id of ["nothing", newTaskId(1), "../indexes"]) {
      await expect(tasks.cancel(id)).rejects.toMatchObject({ code: "task_not_found" });
      await expect(tasks.read(id)).rejects.toMatchObject({ code: "task_not_found" });
    }
  });

  it("loses no change of those that are made at a time", async () => {
    const { id } = await create();
    const add = async () => {
      await tasks.update(id, (record) => ({ ...record, resends: record.resends + 1 }));
    };
    await Promise.all(Array.from({ length: 6 }, add));
    expect((await tasks.readRecord(id)).resends).toBe(6);
  });

  it("changes once when the answer of the store is lost", async () => {
    const { id } = await create();
    store.afterPut = () => {
      throw new MaxleafError("store_unavailable", "the line is dead");
    };
    await tasks.update(id, (record) => ({ ...record, resends: record.resends + 1 }));
    expect((await tasks.readRecord(id)).resends).toBe(1);
  });

  it("cancels what its worker writes at the same time", async () => {
    const { id } = await create();
    await tasks.update(id, (record) => ({ ...record, task: { ...record.task, status: "processing" } }));
    store.beforePut = async () => {
      await tasks.update(id, (record) => ({ ...record, task: { ...record.task, progress: 0.5 } }));
    };
    await tasks.cancel(id);
    expect(await tasks.read(id)).toMatchObject({ progress: 0.5, cancelRequestedAt: expect.any(String) });
  });
});

describe("stored tasks", () => {
  it("are read back as they were", async () => {
    const { id } = await create();
    const record = await tasks.readRecord(id);
    expect(decodeTask(encodeTask(record), id)).toEqual(record);
  });

  it("are corrupt or of another version, never something else, when a byte differs", async () => {
    const { id } = await create();
    const bytes = encodeTask(await tasks.readRecord(id));
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const other = bytes.slice();
        other[at] = (other[at] ?? 0) ^ change;
        try {
          expect(decodeTask(other, id).task.id).toBe(id);
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^(corrupt_data|unsupported_format_version)$/) });
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("are refused when cut, too large, another's or contradictory", async () => {
    const { id } = await create();
    const record = await tasks.readRecord(id);
    const bytes = encodeTask(record);
    const corrupt = expect.objectContaining({ code: "corrupt_data" });
    for (let length = 0; length < bytes.length; length += 7) {
      expect(() => decodeTask(bytes.subarray(0, length), id)).toThrow(corrupt);
    }
    expect(() => decodeTask(bytes, newTaskId(START_MS))).toThrow(corrupt);
    expect(() => decodeTask(encodeTask({ ...record, inputs: [] }), id)).toThrow(corrupt);
    const over = { ...record, task: { ...record.task, status: "failed" as const } };
    expect(() => decodeTask(encodeTask(over), id)).toThrow(corrupt);
    const newer = new TextEncoder().encode(JSON.stringify({ ...record, format: 2 }));
    expect(() => decodeTask(newer, id)).toThrow(expect.objectContaining({ code: "unsupported_format_version" }));
    await store.put(layout.task(id), new Uint8Array(MAX_TASK_BYTES + 1));
    await expect(tasks.read(id)).rejects.toEqual(corrupt);
  });
});
