/**
 * The power goes at every single write of a task's life (bucket, queue, index, webhook), at the caller's or at the worker's:
 * whoever comes afterwards finishes what was acknowledged, and leaves nothing behind.
 */
import { describe, expect, it } from "vitest";
import type { JobQueue, QueueMessage } from "../../encoder/queue/queue.ts";
import { TASK_RETENTION_MS } from "../../encoder/tasks/task-keeper.ts";
import { TaskBench } from "../../encoder/tasks/testing-bench.ts";
import { addRequest, uploadIdOf } from "../../encoder/tasks/testing.ts";
import { WebhookSender } from "../../encoder/tasks/webhook.ts";
import { layout, OPEN_TASKS_PREFIX, TASKS_PREFIX, UPLOADS_PREFIX } from "../../shared/store/layout.ts";
import { CrashingStore, crashModes, Power } from "./support/crashing-store.ts";
import { note } from "./support/report.ts";

const NAMES = ["a.pdf", "b.pdf"];
const HOUR_MS = 60 * 60 * 1_000;
/** The sender's secret: 32 bytes. */
const SECRET = Buffer.alloc(32, 1).toString("base64");
/** No beats by time: the writes of a run are always the same. */
const NO_BEATS_MS = 1_000_000;

/** What is done to a queue is a write; a message that is received is hidden by one. */
function crashingQueue(inner: JobQueue, power: Power): JobQueue {
  return {
    description: inner.description,
    send: async (bodies) => await power.write(async () => await inner.send(bodies)),
    receive: async (options) => await power.write(async () => await inner.receive(options)),
    extend: async (message: QueueMessage, ms) => await power.write(async () => await inner.extend(message, ms)),
    ack: async (messages) => await power.write(async () => await inner.ack(messages)),
    fail: async (message, reason) => await power.write(async () => await inner.fail(message, reason)),
    close: () => undefined,
  };
}

class World {
  readonly bench = new TaskBench();
  readonly webhookIds: string[] = [];

  /** A process with this power, and what it does tasks with. */
  process(power: Power) {
    const { bench } = this;
    const queue = crashingQueue(bench.queue, power);
    const webhooks = new WebhookSender(SECRET, async (_url, { headers }) => {
      await power.write(async () => void this.webhookIds.push(headers["webhook-id"] ?? ""));
      return { status: 200 };
    });
    bench.sink.during = async () => await power.write(async () => undefined);
    const store = new CrashingStore(bench.store, power);
    const opened = bench.open({ store, queue, ports: { webhooks }, beatMs: NO_BEATS_MS });
    return { ...opened, work: async () => await bench.work({ queue, tasks: opened.runner }) };
  }

  /** Uploads, a task, a worker: until the power goes. Gives the id of the task when its making was acknowledged. */
  async live(power: Power): Promise<string | undefined> {
    let id: string | undefined;
    try {
      const { store, work, keeper } = this.process(power);
      id = (await store.create(addRequest(NAMES, { webhookUrl: "https://hooks.example/done" }))).id;
      await keeper.round();
      await work();
      await keeper.round();
    } catch (error) {
      if (!power.isDown) throw error;
    }
    return id;
  }

  /** Another process, a few hours later, for as long as it takes. */
  async recover(): Promise<void> {
    const { keeper, work } = this.process(new Power(Infinity, "before"));
    for (let hour = 0; hour < 8; hour++) {
      this.bench.now.ms += HOUR_MS;
      await keeper.round();
      await work();
    }
  }
}

async function newWorld(): Promise<World> {
  const world = new World();
  for (const name of NAMES) {
    await world.bench.store.put(layout.upload(uploadIdOf(name)), new TextEncoder().encode(name));
  }
  return world;
}

async function expectDone(world: World, id: string | undefined): Promise<void> {
  const { bench, webhookIds } = world;
  const stored = (await bench.keysOf(TASKS_PREFIX)).map((key) => key.slice(TASKS_PREFIX.length));
  // What was not acknowledged may be there, and is done then.
  if (id !== undefined) expect(stored).toEqual([id]);
  for (const one of stored) {
    const task = await bench.read(one);
    // A caller who was told that there is no queue was told that the task failed: that did not happen here.
    expect(task).toMatchObject({ status: "succeeded", progress: 1, webhook: { deliveredAt: expect.any(String) } });
    expect(new Set(webhookIds)).toEqual(new Set([`task_${one}`]));
    expect([...bench.sink.documents.keys()].toSorted()).toEqual(NAMES);
    expect(await bench.keysOf(UPLOADS_PREFIX)).toEqual([]);
  }
  expect([await bench.keysOf(OPEN_TASKS_PREFIX), bench.queue.depth(), bench.queue.deadLetters()]).toEqual([[], 0, []]);
}

describe.each(crashModes.filter((mode) => mode !== "half"))("a task when the power goes %s a write", (mode) => {
  it("is finished by others, at every write", async () => {
    const whole = new Power(Infinity, mode);
    const undisturbed = await newWorld();
    await expectDone(undisturbed, await undisturbed.live(whole));
    await undisturbed.bench.close();

    expect(whole.writes).toBeGreaterThan(10);
    for (let crashAt = 0; crashAt < whole.writes; crashAt++) {
      const world = await newWorld();
      const power = new Power(crashAt, mode);
      const id = await world.live(power);
      expect(power.isDown).toBe(true);
      await world.recover();
      await expectDone(world, id).catch((cause: unknown) => {
        throw new Error(`after a crash ${mode} write ${crashAt}: ${String(cause)}`, { cause });
      });
      // In the end nothing is left of it at all, uploads of what was never made included.
      world.bench.now.ms += 2 * TASK_RETENTION_MS;
      await world.process(new Power(Infinity, mode)).keeper.sweep();
      expect((await world.bench.store.list("")).objects).toEqual([]);
      await world.bench.close();
    }
    note(`tasks, crash ${mode} a write`, { writes: whole.writes });
  });
});
