/**
 * The worker over the local queue and buckets in memory, with an index that only notes what it is told.
 */
import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MaxleafError } from "../../shared/errors.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import { LocalQueue } from "../queue/local-queue.ts";
import { MAX_RECEIVES } from "../queue/queue.ts";
import { newTaskId } from "../tasks/task-id.ts";
import { taskMessage } from "../tasks/task-message.ts";
import { IndexMap } from "./index-map.ts";
import type { IndexSink } from "./sync-documents.ts";
import { runWorker, type WorkerOptions } from "./worker.ts";

const HELD = { max: 10, waitMs: 0, visibilityMs: 60_000 };

let folder: string;
let queue: LocalQueue;
let bucket: MemoryStore;
let sink: NotingSink;
let log: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "maxleaf-worker-"));
  queue = LocalQueue.open(join(folder, "queue.sqlite"));
  bucket = new MemoryStore();
  sink = new NotingSink();
  log = [];
});
afterEach(async () => {
  queue.close();
  await rm(folder, { recursive: true, force: true });
});

/** Notes each commit as `index: documents`; `during` runs before one takes effect. */
class NotingSink implements IndexSink {
  readonly commits: string[] = [];
  during: () => Promise<void> = async () => undefined;

  ingest: IndexSink["ingest"] = async (index, files, { signal, onFile }) => {
    await this.during();
    const names = files.map(({ name }) => name).toSorted();
    if (signal.aborted) return { failed: [] };
    this.commits.push(`${index}: ${names.join(" ")}`);
    for (const name of names) onFile(name, "added");
    return { failed: [] };
  };

  remove: IndexSink["remove"] = async (index, names) => {
    await this.during();
    this.commits.push(`${index}: -${names.join(" -")}`);
    return [...names];
  };
}

/** A notification about each of `keys` in one message. */
const created = (...keys: string[]) =>
  JSON.stringify({
    Records: keys.map((key) => ({
      eventName: "ObjectCreated:Put",
      s3: { bucket: { name: "b" }, object: { key: encodeURIComponent(key) } },
    })),
  });

async function put(...keys: string[]): Promise<void> {
  for (const key of keys) await bucket.put(key, new TextEncoder().encode(key));
}

async function work(options: Partial<WorkerOptions> = {}) {
  return await runWorker({
    queue,
    map: IndexMap.parse(["b/x=xs", "b/y=ys"]),
    source: () => bucket,
    sink,
    once: true,
    signal: new AbortController().signal,
    onLog: (line) => void log.push(line),
    ...options,
  });
}

describe("runWorker", () => {
  it("commits once per index what many messages say, and acknowledges them", async () => {
    await put("x/1.pdf", "x/2.pdf", "x/3.pdf", "y/1.pdf");
    await queue.send([created("x/1.pdf"), created("x/2.pdf", "y/1.pdf"), created("x/1.pdf"), created("x/gone.pdf")]);
    await queue.send(Array.from({ length: 11 }, () => created("x/3.pdf")));
    expect(await work()).toEqual({ acknowledged: 15, givenBack: 0, setAside: 0 });
    expect(sink.commits).toEqual(["xs: -gone.pdf", "xs: 1.pdf 2.pdf 3.pdf", "ys: 1.pdf"]);
    expect(queue.depth()).toBe(0);
  });

  it("takes no more messages at once than it may", async () => {
    await put("x/1.pdf", "x/2.pdf", "x/3.pdf");
    await queue.send(["x/1.pdf", "x/2.pdf", "x/3.pdf"].map((key) => created(key)));
    await work({ concurrency: 2 });
    expect(sink.commits).toEqual(["xs: 1.pdf 2.pdf", "xs: 3.pdf"]);
  });

  it("acknowledges only after the commit", async () => {
    await put("x/1.pdf");
    await queue.send([created("x/1.pdf")]);
    const depths: number[] = [];
    sink.during = async () => void depths.push(queue.depth());
    await work();
    expect([depths, queue.depth()]).toEqual([[1], 0]);
  });

  it("has nothing to do for what cannot be a document", async () => {
    await put("x/notes.txt", "x/folder/");
    await queue.send([created("x/notes.txt"), created("x/folder/"), '{"Event": "s3:TestEvent"}', created()]);
    expect(await work()).toEqual({ acknowledged: 4, givenBack: 0, setAside: 0 });
    expect(sink.commits).toEqual([]);
  });

  it("sets poison aside with the reason, after doing what could be done", async () => {
    await put("x/1.pdf");
    await queue.send(["hello", created("x/1.pdf", "z/2.pdf"), created("x/../../etc/passwd.pdf")]);
    expect(await work()).toEqual({ acknowledged: 0, givenBack: 0, setAside: 3 });
    const letters = Object.fromEntries(queue.deadLetters().map(({ body, reason }) => [body, reason]));
    expect(letters["hello"]).toMatch(/is no JSON/);
    expect(letters[created("x/1.pdf", "z/2.pdf")]).toMatch(/b\/z\/2\.pdf: invalid_request: it belongs to no index/);
    expect(sink.commits).toContain("xs: 1.pdf");
  });

  it("tries again what failed, and sets it aside the fifth time", async () => {
    await put("x/1.pdf");
    await queue.send([created("x/1.pdf")]);
    sink.during = async () => {
      throw new MaxleafError("render_timeout", "it took too long");
    };
    const now = { ms: Date.now() };
    const clocked = LocalQueue.open(join(folder, "queue.sqlite"), {
      clock: { nowMs: () => now.ms, sleep: async () => undefined },
    });
    // Its own waiting needs a clock that goes on.
    const receive = clocked.receive.bind(clocked);
    clocked.receive = async (options) => await receive({ ...options, waitMs: 0 });
    for (let delivery = 1; delivery < MAX_RECEIVES; delivery++) {
      expect(await work({ queue: clocked })).toEqual({ acknowledged: 0, givenBack: 1, setAside: 0 });
      now.ms += 24 * 60 * 60 * 1_000;
    }
    expect(await work({ queue: clocked })).toEqual({ acknowledged: 0, givenBack: 0, setAside: 1 });
    expect(queue.deadLetters()).toMatchObject([
      { receiveCount: MAX_RECEIVES, reason: "b/x/1.pdf in xs: render_timeout: it took too long" },
    ]);
    clocked.close();
  });

  it("does again, to no effect, what was committed and could not be acknowledged", async () => {
    await put("x/1.pdf");
    await queue.send([created("x/1.pdf")]);
    const forgetful = LocalQueue.open(join(folder, "queue.sqlite"));
    forgetful.ack = async () => {
      throw new MaxleafError("queue_unavailable", "it is away");
    };
    await work({ queue: forgetful });
    forgetful.close();
    expect([sink.commits, queue.depth()]).toEqual([["xs: 1.pdf"], 1]);
    expect(log.join("\n")).toMatch(/which comes again: it is away/);
  });

  it("gives back what it has not done when it is stopped", async () => {
    await put("x/1.pdf", "y/1.pdf");
    await queue.send([created("x/1.pdf"), created("y/1.pdf")]);
    const stop = new AbortController();
    sink.during = async () => {
      if (sink.commits.length === 0) return;
      stop.abort();
    };
    expect(await work({ once: false, signal: stop.signal })).toEqual({ acknowledged: 1, givenBack: 1, setAside: 0 });
    expect(await queue.receive(HELD)).toMatchObject([{ body: created("y/1.pdf"), receiveCount: 2 }]);
  });

  it("waits for messages until it is stopped", async () => {
    await put("x/1.pdf");
    const stop = new AbortController();
    sink.during = async () => void setTimeout(() => stop.abort(), 50);
    const working = work({ once: false, signal: stop.signal });
    setTimeout(() => void queue.send([created("x/1.pdf")]), 300);
    expect(await working).toEqual({ acknowledged: 1, givenBack: 0, setAside: 0 });
  });

  it("pauses when what it depends on is away, before it takes the next message", async () => {
    await put("x/1.pdf", "x/2.pdf");
    await queue.send([created("x/1.pdf"), created("x/2.pdf")]);
    const stop = new AbortController();
    sink.during = async () => {
      throw new MaxleafError("store_unavailable", "it is away");
    };
    const clock = { nowMs: () => 0, sleep: async () => stop.abort() };
    const report = await work({ once: false, concurrency: 1, signal: stop.signal, clock });
    expect(report).toEqual({ acknowledged: 0, givenBack: 1, setAside: 0 });
    expect(log.at(-1)).toBe("waiting 30 s");
  });

  it("fails at once when there is no queue, and waits for one that was there", async () => {
    const away = new MaxleafError("queue_unavailable", "it is away");
    const broken = LocalQueue.open(join(folder, "queue.sqlite"));
    let answers = 0;
    broken.receive = async () => {
      if (answers-- > 0) return [];
      throw away;
    };
    await expect(work({ queue: broken, once: false })).rejects.toBe(away);
    answers = 1;
    const stop = new AbortController();
    const clock = { nowMs: () => 0, sleep: async () => stop.abort() };
    expect(await work({ queue: broken, once: false, signal: stop.signal, clock })).toMatchObject({ givenBack: 0 });
    expect(log).toContain("the queue is out of reach: it is away");
    broken.close();
  });

  it("does tasks after the notifications of a batch, each settled when it is done", async () => {
    await put("x/1.pdf");
    const [first, second] = [newTaskId(2), newTaskId(1)];
    await queue.send([taskMessage(first), created("x/1.pdf"), taskMessage(second)]);
    const seen: unknown[] = [];
    const tasks: WorkerOptions["tasks"] = {
      run: async ({ body }, id) => {
        expect(body).toBe(taskMessage(id));
        seen.push([id, queue.depth(), [...sink.commits]]);
        return id === first ? { kind: "ack" } : { kind: "retry", delayMs: 60_000, forAll: false };
      },
      giveBack: async () => undefined,
    };
    expect(await work({ tasks })).toEqual({ acknowledged: 2, givenBack: 1, setAside: 0 });
    expect(seen).toEqual([
      [first, 2, ["xs: 1.pdf"]],
      [second, 1, ["xs: 1.pdf"]],
    ]);
  });

  it("gives back what has not ended when the grace is over", async () => {
    await put("x/1.pdf", "y/1.pdf");
    await queue.send([created("x/1.pdf"), created("y/1.pdf")]);
    const stop = new AbortController();
    sink.during = async () => {
      stop.abort();
      await new Promise(() => undefined);
    };
    const report = await work({ once: false, signal: stop.signal, graceMs: 10 });
    expect(report).toEqual({ acknowledged: 0, givenBack: 2, setAside: 0, isAbandoned: true });
    expect(await queue.receive(HELD)).toHaveLength(2);
  });
});
