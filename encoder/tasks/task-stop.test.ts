/**
 * Tasks that are canceled, and workers that are stopped while they have one.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { OPEN_TASKS_PREFIX, UPLOADS_PREFIX } from "../../shared/store/layout.ts";
import { taskMessage } from "./task-message.ts";
import { TaskBench } from "./testing-bench.ts";

let bench: TaskBench;
beforeEach(() => void (bench = new TaskBench()));
afterEach(async () => await bench.close());

describe("canceling a task", () => {
  it("that waits keeps its documents out", async () => {
    const { id } = await bench.create(["a.pdf"]);
    await bench.opened.store.cancel(id);
    await bench.work();
    expect(await bench.read(id)).toMatchObject({ status: "canceled", attempts: 0 });
    expect([
      bench.sink.documents.size,
      await bench.keysOf(UPLOADS_PREFIX),
      await bench.keysOf(OPEN_TASKS_PREFIX),
    ]).toEqual([0, [], []]);
  });

  it("that is being done stops before the commit", async () => {
    const { id } = await bench.create(["a.pdf"]);
    bench.sink.during = async () => {
      await bench.opened.store.cancel(id);
      await heard();
    };
    await bench.work();
    expect(await bench.read(id)).toMatchObject({
      status: "canceled",
      documents: [{ status: "canceled", pagesDone: 2 }],
    });
    expect([bench.sink.documents.size, bench.queue.depth(), await bench.keysOf(UPLOADS_PREFIX)]).toEqual([0, 0, []]);
  });

  it("leaves and reports what was committed before", async () => {
    const { id } = await bench.create(["a.pdf", "b.pdf"]);
    await bench.opened.store.update(id, (record) => {
      const [first, ...others] = record.task.documents ?? [];
      if (first === undefined) return undefined;
      return { ...record, task: { ...record.task, documents: [{ ...first, status: "added" }, ...others] } };
    });
    bench.sink.during = async () => {
      await bench.opened.store.cancel(id);
      await heard();
    };
    await bench.work();
    expect(await bench.read(id)).toMatchObject({
      status: "canceled",
      documents: [{ status: "added" }, { status: "canceled" }],
    });
  });

  it("is too late after the last commit", async () => {
    const { id } = await bench.create(["a.pdf"]);
    const ingest = bench.sink.ingest;
    bench.sink.ingest = async (...args) => {
      const report = await ingest(...args);
      await bench.opened.store.cancel(id);
      return report;
    };
    bench.opened = bench.open();
    await bench.work();
    expect(await bench.read(id)).toMatchObject({ status: "succeeded", documents: [{ status: "added" }] });
  });

  it("works when its worker has died", async () => {
    const { id } = await bench.create(["a.pdf"]);
    await bench.opened.store.update(id, (record) => ({
      ...record,
      task: { ...record.task, status: "processing" },
      lease: { holder: "dead", untilMs: bench.now.ms - 1 },
      spentAttempts: 1,
    }));
    await bench.opened.store.cancel(id);
    await bench.work();
    expect(await bench.read(id)).toMatchObject({ status: "canceled", documents: [{ status: "canceled" }] });
  });

  /** Waits until the worker's beat has heard of it. */
  async function heard(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});

describe("a worker that is stopped", () => {
  it("gives its task back, which counts as no attempt", async () => {
    const { id } = await bench.create(["a.pdf"]);
    const stop = new AbortController();
    const ingest = bench.sink.ingest;
    bench.sink.ingest = async (index, files, call) => {
      stop.abort();
      return await ingest(index, files, call);
    };
    bench.opened = bench.open();
    expect(await bench.work({ once: false, signal: stop.signal })).toMatchObject({ givenBack: 1 });
    expect(await bench.opened.store.readRecord(id)).toMatchObject({ task: { status: "enqueued" }, spentAttempts: 0 });
    bench.sink.ingest = ingest;
    bench.opened = bench.open();
    expect(await bench.work()).toMatchObject({ acknowledged: 1 });
    expect(await bench.read(id)).toMatchObject({ status: "succeeded", attempts: 2 });
  });

  it("lets another have a task that does not end within the grace", async () => {
    const { id } = await bench.create(["a.pdf"]);
    const stop = new AbortController();
    let goOn: () => void = () => undefined;
    bench.sink.during = async () => {
      stop.abort();
      await new Promise<void>((resolve) => (goOn = resolve));
    };
    const report = await bench.work({ once: false, signal: stop.signal, graceMs: 20 });
    expect(report).toEqual({ acknowledged: 0, givenBack: 1, setAside: 0, isAbandoned: true });
    bench.sink.during = async () => undefined;
    expect(await bench.work({ tasks: bench.open().runner })).toMatchObject({ acknowledged: 1 });
    expect(await bench.read(id)).toMatchObject({ status: "succeeded", attempts: 2 });
    // What is left of the first does no harm.
    goOn();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(await bench.read(id)).toMatchObject({ status: "succeeded", documents: [{ status: "added" }] });
  });
});

describe("a worker that has lost its task", () => {
  it("commits nothing more, and leaves the task to the other", async () => {
    const { id } = await bench.create(["a.pdf"]);
    bench.sink.during = async () => {
      await bench.opened.store.update(id, (record) => ({
        ...record,
        lease: { holder: "another", untilMs: bench.now.ms + 60_000 },
      }));
      await new Promise((resolve) => setTimeout(resolve, 50));
    };
    expect(await bench.work()).toMatchObject({ acknowledged: 1 });
    expect(bench.sink.documents.size).toBe(0);
    expect(await bench.opened.store.readRecord(id)).toMatchObject({
      task: { status: "processing" },
      lease: { holder: "another" },
    });
    // The other dies too: its lease runs out, and the keeper sends another message.
    bench.sink.during = async () => undefined;
    bench.now.ms += 60 * 60 * 1_000;
    await bench.opened.keeper.round();
    await bench.work();
    expect(await bench.read(id)).toMatchObject({ status: "succeeded" });
  });
});

describe("several workers", () => {
  it("do every task, whatever comes twice and is canceled meanwhile", async () => {
    const ids: string[] = [];
    for (let count = 0; count < 12; count++) {
      bench.now.ms += 1;
      ids.push((await bench.create([`${count}.pdf`])).id);
    }
    await bench.queue.send([...ids, ...ids].map((id) => taskMessage(id)));
    const canceled: string[] = [];
    bench.sink.during = async ([name]) => {
      await new Promise((resolve) => setTimeout(resolve, 10));
      const id = ids[Number.parseInt(name ?? "", 10)] ?? "";
      if (canceled.length < 3) canceled.push((await bench.opened.store.cancel(id)).id);
    };
    for (let round = 0; round < 4; round++) {
      const workers = Array.from({ length: 3 }, async () => await bench.work({ tasks: bench.open().runner }));
      await Promise.all(workers);
      bench.now.ms += 60 * 60 * 1_000;
      await bench.opened.keeper.round();
    }
    for (const id of ids) {
      const { status, attempts, documents } = await bench.read(id);
      // Canceled too late, or in time; a task is begun by one worker only.
      expect(["succeeded", "canceled"]).toContain(status);
      if (!canceled.includes(id)) expect(status).toBe("succeeded");
      expect(attempts).toBe(1);
      const isThere = bench.sink.documents.has(documents?.[0]?.name ?? "");
      expect(isThere).toBe(status === "succeeded");
    }
    expect([await bench.keysOf(UPLOADS_PREFIX), await bench.keysOf(OPEN_TASKS_PREFIX), bench.queue.depth()]).toEqual([
      [],
      [],
      0,
    ]);
  });
});
