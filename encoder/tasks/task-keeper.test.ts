import { beforeEach, describe, expect, it } from "vitest";
import { MaxleafError } from "../../shared/errors.ts";
import { layout, OPEN_TASKS_PREFIX, TASKS_PREFIX, UPLOADS_PREFIX } from "../../shared/store/layout.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import { closeTask } from "./close-task.ts";
import { newTaskId } from "./task-id.ts";
import { TASK_RETENTION_MS, TaskKeeper, UPLOAD_RETENTION_MS } from "./task-keeper.ts";
import { taskMessage } from "./task-message.ts";
import { finished, SILENCE_MS, TaskStore } from "./task-store.ts";
import { addRequest, ManualClock, NotedMessages, START_MS } from "./testing.ts";

let store: DatedStore;
let queue: NotedMessages;
let clock: ManualClock;
let tasks: TaskStore;
let log: string[];
beforeEach(() => {
  clock = new ManualClock();
  store = new DatedStore();
  queue = new NotedMessages();
  tasks = new TaskStore({ store, queue, clock });
  log = [];
});

/** Objects are as old as `clock` says. */
class DatedStore extends MemoryStore {
  readonly #writtenAtMs = new Map<string, number>();
  override async put(...args: Parameters<MemoryStore["put"]>) {
    this.#writtenAtMs.set(args[0], clock.ms);
    return await super.put(...args);
  }
  override async list(...args: Parameters<MemoryStore["list"]>) {
    const page = await super.list(...args);
    const objects = page.objects.map((object) => ({
      ...object,
      lastModifiedMs: this.#writtenAtMs.get(object.key) ?? 0,
    }));
    return { ...page, objects };
  }
}

function newKeeper(): TaskKeeper {
  const close = async (record: Parameters<typeof closeTask>[0]) => await closeTask(record, { tasks, clock });
  return new TaskKeeper({ tasks, close, clock, onLog: (line) => void log.push(line) });
}

async function keysOf(prefix: string): Promise<string[]> {
  return (await store.list(prefix)).objects.map(({ key }) => key);
}

describe("TaskKeeper", () => {
  it("sends another message for a task that is silent, ever less often", async () => {
    const { id } = await tasks.create(addRequest(["a.pdf"]));
    const keeper = newKeeper();
    const sentAtMinutes: number[] = [];
    queue.bodies.length = 0;
    for (let minute = 0; minute <= 300; minute++) {
      clock.ms = START_MS + minute * 60_000;
      await keeper.round();
      if (queue.bodies.splice(0).includes(taskMessage(id))) sentAtMinutes.push(minute);
    }
    expect(sentAtMinutes).toEqual([15, 30, 60, 120, 240]);
  });

  it("sends one message, however many keepers look", async () => {
    await tasks.create(addRequest(["a.pdf"]));
    clock.ms += SILENCE_MS;
    queue.bodies.length = 0;
    await Promise.all(Array.from({ length: 5 }, async () => await newKeeper().round()));
    expect(queue.bodies).toHaveLength(1);
  });

  it("finds a task whose message was never sent", async () => {
    // Whoever created it died before the message.
    const dead = new TaskStore({ store, clock, queue: { send: async () => await new Promise(() => undefined) } });
    void dead.create(addRequest(["a.pdf"]));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await keysOf(TASKS_PREFIX)).toHaveLength(1);
    clock.ms += SILENCE_MS;
    await newKeeper().round();
    expect(queue.bodies).toHaveLength(1);
  });

  it("tries again to send what could not be sent", async () => {
    await tasks.create(addRequest(["a.pdf"]));
    queue.bodies.length = 0;
    clock.ms += SILENCE_MS;
    queue.failure = new MaxleafError("queue_unavailable", "it is away");
    const keeper = newKeeper();
    await keeper.round();
    expect(log.join()).toMatch(/was not looked after: it is away/);
    queue.failure = undefined;
    clock.ms += SILENCE_MS;
    await keeper.round();
    expect(queue.bodies).toHaveLength(1);
  });

  it("lets a task alone that somebody is heard of", async () => {
    const { id } = await tasks.create(addRequest(["a.pdf"]));
    queue.bodies.length = 0;
    for (let minute = 0; minute < 60; minute++) {
      clock.ms += 60_000;
      await tasks.update(id, (record) => ({ ...record, dueAtMs: clock.ms + SILENCE_MS }));
      await newKeeper().round();
    }
    expect(queue.bodies).toEqual([]);
  });

  it("closes a task that is over and was not tidied up", async () => {
    const { id } = await tasks.create(addRequest(["a.pdf"]));
    await store.put(layout.upload("a-pdf"), new Uint8Array(1));
    await tasks.update(id, (record) => finished(record, "succeeded", clock.ms));
    await newKeeper().round();
    expect([await keysOf(OPEN_TASKS_PREFIX), await keysOf(UPLOADS_PREFIX)]).toEqual([[], []]);
    expect((await tasks.readRecord(id)).closedAtMs).toBe(clock.ms);
  });

  it("goes through more markers than it takes at once", async () => {
    for (let count = 0; count < 501; count++) await tasks.create(addRequest(["a.pdf"]));
    queue.bodies.length = 0;
    clock.ms += SILENCE_MS;
    const keeper = newKeeper();
    await keeper.round();
    expect(queue.bodies).toHaveLength(500);
    await keeper.round();
    expect(new Set(queue.bodies).size).toBe(501);
  });

  it("removes markers whose tasks were never written, but not at once", async () => {
    await store.put(layout.openTask(newTaskId(START_MS)), new Uint8Array());
    await newKeeper().round();
    expect(await keysOf(OPEN_TASKS_PREFIX)).toHaveLength(1);
    clock.ms += 2 * 60 * 60 * 1_000;
    await newKeeper().round();
    expect(await keysOf(OPEN_TASKS_PREFIX)).toEqual([]);
  });

  it("goes on with the others when one cannot be read", async () => {
    const broken = await tasks.create(addRequest(["a.pdf"]));
    await tasks.create(addRequest(["b.pdf"]));
    await store.put(layout.task(broken.id), new TextEncoder().encode("{"));
    queue.bodies.length = 0;
    clock.ms += SILENCE_MS;
    await newKeeper().round();
    expect(queue.bodies).toHaveLength(1);
    expect(log.join()).toMatch(new RegExp(`task ${broken.id} was not looked after: .* is corrupt`));
  });

  it("sweeps tasks that have been over for long, and never an open one", async () => {
    const open = await tasks.create(addRequest(["open.pdf"]));
    const over = await tasks.create(addRequest(["over.pdf"]));
    await tasks.update(over.id, (record) => finished(record, "succeeded", clock.ms));
    await newKeeper().round();
    clock.ms = START_MS + TASK_RETENTION_MS;
    const recent = await tasks.create(addRequest(["a.pdf"]));
    await newKeeper().sweep();
    expect(await keysOf(TASKS_PREFIX)).toHaveLength(3);
    clock.ms += 1;
    await newKeeper().sweep();
    expect((await keysOf(TASKS_PREFIX)).toSorted()).toEqual([layout.task(open.id), layout.task(recent.id)].toSorted());
  });

  it("sweeps uploads that nobody wants, and keeps those of open tasks", async () => {
    await tasks.create(addRequest(["wanted.pdf"]));
    for (const name of ["wanted-pdf", "orphan"]) await store.put(layout.upload(name), new Uint8Array(1));
    clock.ms += UPLOAD_RETENTION_MS - 1;
    await store.put(layout.upload("recent"), new Uint8Array(1));
    await newKeeper().sweep();
    expect(await keysOf(UPLOADS_PREFIX)).toHaveLength(3);
    clock.ms += 1;
    await newKeeper().sweep();
    expect(await keysOf(UPLOADS_PREFIX)).toEqual([layout.upload("recent"), layout.upload("wanted-pdf")]);
  });
});
