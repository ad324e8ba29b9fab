/**
 * Tasks that are canceled, and workers that are stopped while they have one.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { OPEN_TASKS_PREFIX, UPLOADS_PREFIX } from "../../shared/store/layout.ts";
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
