import { createServer } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MaxleafError } from "../../shared/errors.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import { LocalQueue } from "../queue/local-queue.ts";
import type { JobQueue } from "../queue/queue.ts";
import { createEncoderApp } from "../service/app.ts";
import { TaskBench } from "../tasks/testing-bench.ts";
import { IndexMap } from "../worker/index-map.ts";
import { runWorker } from "../worker/worker.ts";
import { EventRate } from "./event-rate.ts";
import { counted } from "./ingest-metrics.ts";
import { MeteredQueue } from "./metered-queue.ts";
import { exposition } from "./registry.ts";
import { serveMetrics } from "./serve-metrics.ts";
import { type ExposedMetric, parseExposition } from "./testing.ts";

const file = { name: "a.pdf", path: "/a.pdf", bytes: 1 };
const HELD = { max: 10, waitMs: 0, visibilityMs: 60_000 };

async function metrics(): Promise<Map<string, ExposedMetric>> {
  return parseExposition((await exposition()).body);
}

async function valueOf(sample: string): Promise<number | undefined> {
  for (const { samples } of (await metrics()).values()) if (samples.has(sample)) return samples.get(sample);
  return undefined;
}

describe("the exposition", () => {
  it("is what Prometheus reads, with names by its conventions and the process's own", async () => {
    const { contentType } = await exposition();
    expect(contentType).toMatch(/^text\/plain; version=0\.0\.4/);
    const all = await metrics();
    const own = [...all.keys()].filter((name) => name.startsWith("maxleaf_"));
    expect(own.toSorted()).toEqual([
      "maxleaf_ingest_documents_total",
      "maxleaf_ingest_pages_per_second",
      "maxleaf_ingest_pages_total",
      "maxleaf_ingest_running",
      "maxleaf_ingest_stage_duration_seconds",
      "maxleaf_queue_messages",
      "maxleaf_queue_oldest_message_age_seconds",
      "maxleaf_queue_received_total",
      "maxleaf_queue_settled_total",
      "maxleaf_tasks_ended_total",
      "maxleaf_tasks_running",
    ]);
    expect(all.has("process_cpu_seconds_total")).toBe(true);
  });

  it("shows what has not happened as 0", async () => {
    expect(await valueOf('maxleaf_ingest_documents_total{outcome="failed"}')).toBe(0);
    expect(await valueOf('maxleaf_queue_settled_total{outcome="set_aside"}')).toBe(0);
    expect(await valueOf('maxleaf_tasks_ended_total{status="failed"}')).toBe(0);
  });
});

describe("parseExposition", () => {
  const head = "# HELP x_total some\n# TYPE x_total counter\n";
  it.each([
    ["a counter with another name", "# HELP x some\n# TYPE x counter\nx 1\n", "_total"],
    ["no help", "# TYPE x_total counter\nx_total 1\n", "no help"],
    ["a sample twice", `${head}x_total 1\nx_total 2\n`, "twice"],
    ["no number", `${head}x_total one\n`, "no sample"],
    ["a stranger's sample", `${head}y_total 1\n`, "stand with"],
    ["labels that are none", `${head}x_total{a=1} 1\n`, "no sample"],
    [
      "buckets that fall",
      '# HELP h some\n# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n',
      "fewer",
    ],
  ])("refuses %s", (_what, text, message) => {
    expect(() => parseExposition(text)).toThrow(message);
  });
});

describe("counted", () => {
  it("counts pages, documents and stages, and passes all on", async () => {
    const told: unknown[] = [];
    const observer = counted({
      onPage: (...at) => void told.push(at),
      onFile: (...at) => void told.push(at),
      onStage: (...at) => void told.push(at),
      onCommitted: (...at) => void told.push(at),
    });
    const searchable = 'maxleaf_ingest_pages_total{outcome="searchable"}';
    const before = (await valueOf(searchable)) ?? NaN;
    observer.onPage?.(file, 2, 3, true);
    observer.onPage?.(file, 1, 3, false);
    observer.onFile?.(file, "added");
    observer.onStage?.("render", 0.2);
    observer.onCommitted?.(file);
    expect(await valueOf(searchable)).toBe(before + 1);
    expect(await valueOf('maxleaf_ingest_documents_total{outcome="added"}')).toBeGreaterThanOrEqual(1);
    expect(await valueOf('maxleaf_ingest_stage_duration_seconds_count{stage="render"}')).toBeGreaterThanOrEqual(1);
    expect(await valueOf("maxleaf_ingest_pages_per_second")).toBeGreaterThan(0);
    expect(told).toEqual([[file, 2, 3, true], [file, 1, 3, false], [file, "added"], ["render", 0.2], [file]]);
  });
});

describe("EventRate", () => {
  it("averages over the last minute and forgets what is older", () => {
    const clock = { nowMs: () => nowMs, sleep: async () => undefined };
    let nowMs = 1_000_000;
    const rate = new EventRate(clock);
    for (let event = 0; event < 120; event++) rate.add();
    expect(rate.perSecond()).toBe(2);
    nowMs += 59_000;
    rate.add();
    expect(rate.perSecond()).toBe(121 / 60);
    nowMs += 1_000;
    expect(rate.perSecond()).toBe(1 / 60);
    nowMs += 60_000;
    expect(rate.perSecond()).toBe(0);
  });
});

describe("a worker", () => {
  it("counts messages that it gives back, not those that it holds for longer", async () => {
    const folder = await mkdtemp(join(tmpdir(), "maxleaf-metrics-"));
    const queue = LocalQueue.open(join(folder, "queue.sqlite"));
    const bucket = new MemoryStore();
    await bucket.put("a.pdf", new Uint8Array(1));
    await queue.send([
      JSON.stringify({ action: "PutObject", bucket: "b", object: { key: "a.pdf" } }),
      JSON.stringify({ action: "PutObject", bucket: "b", object: { key: "notes.txt" } }),
    ]);
    const givenBack = 'maxleaf_queue_settled_total{outcome="given_back"}';
    const before = (await valueOf(givenBack)) ?? NaN;
    const report = await runWorker({
      queue,
      map: IndexMap.parse(["b=index"]),
      source: () => bucket,
      sink: {
        ingest: async () => {
          // Two heartbeats.
          await new Promise((resolve) => setTimeout(resolve, 30));
          throw new MaxleafError("internal", "not this time");
        },
        remove: async () => [],
      },
      once: true,
      hold: { holdMs: 60_000, heartbeatMs: 10 },
      signal: new AbortController().signal,
    });
    expect(report).toEqual({ acknowledged: 1, givenBack: 1, setAside: 0 });
    expect(await valueOf(givenBack)).toBe(before + 1);
    queue.close();
    await rm(folder, { recursive: true });
  });
});

describe("tasks", () => {
  const ended = async (status: string) => (await valueOf(`maxleaf_tasks_ended_total{status="${status}"}`)) ?? NaN;
  const running = async () => await valueOf("maxleaf_tasks_running");
  let bench: TaskBench;
  beforeEach(() => void (bench = new TaskBench()));
  afterEach(async () => await bench.close());

  it("are counted while a worker has them, and once by how they end", async () => {
    const before = [await ended("succeeded"), await ended("failed"), await ended("canceled")];
    await bench.create(["a.pdf"]);
    await bench.create(["bad.pdf"]);
    const { id } = await bench.create(["b.pdf"]);
    await bench.opened.store.cancel(id);
    const seen: unknown[] = [];
    bench.sink.during = async () => void seen.push(await running());
    await bench.work();
    await bench.work();
    expect([...seen, await running()]).toEqual([1, 1, 0]);
    const after = [await ended("succeeded"), await ended("failed"), await ended("canceled")];
    expect(after.map((count, at) => count - (before[at] ?? NaN))).toEqual([1, 1, 1]);
  });

  it("count when the answer to the write of their end is lost", async () => {
    const before = await ended("canceled");
    const { id } = await bench.create(["a.pdf"]);
    const put = bench.store.put.bind(bench.store);
    let writes = 0;
    bench.store.put = async (...args) => {
      const written = await put(...args);
      writes += 1;
      if (writes === 1) throw new MaxleafError("store_unavailable", "the line is cut");
      return written;
    };
    await bench.opened.store.cancel(id);
    expect([writes, (await ended("canceled")) - before]).toEqual([1, 1]);
  });
});

describe("MeteredQueue", () => {
  let folder: string | undefined;
  let queue: JobQueue | undefined;
  afterEach(async () => {
    queue?.close();
    if (folder !== undefined) await rm(folder, { recursive: true });
    folder = undefined;
  });

  it("shows the backlog and what became of messages", async () => {
    folder = await mkdtemp(join(tmpdir(), "maxleaf-metrics-"));
    let nowMs = 1_000_000;
    const clock = { nowMs: () => nowMs, sleep: async () => undefined };
    queue = new MeteredQueue(LocalQueue.open(join(folder, "queue.sqlite"), { clock }), { clock });
    const acknowledged = (await valueOf('maxleaf_queue_settled_total{outcome="acknowledged"}')) ?? NaN;
    await queue.send(["a", "b", "c", "d"]);
    const held = await queue.receive({ ...HELD, max: 2 });
    nowMs += 30_000;
    expect(await valueOf('maxleaf_queue_messages{state="waiting"}')).toBe(2);
    expect(await valueOf('maxleaf_queue_messages{state="hidden"}')).toBe(2);
    expect(await valueOf("maxleaf_queue_oldest_message_age_seconds")).toBe(30);

    await queue.ack(held);
    await queue.fail((await queue.receive({ ...HELD, max: 1 }))[0] ?? held[0] ?? fail(), "bad");
    expect(await valueOf('maxleaf_queue_settled_total{outcome="acknowledged"}')).toBe(acknowledged + 2);
    // One look serves readers for ten seconds.
    expect(await valueOf('maxleaf_queue_messages{state="waiting"}')).toBe(2);
    nowMs += 10_000;
    expect(await valueOf('maxleaf_queue_messages{state="waiting"}')).toBe(1);
  });

  it("shows no backlog of a queue that is out of reach, and is readable all the same", async () => {
    const broken: JobQueue = {
      description: "broken",
      send: async () => undefined,
      receive: async () => [],
      extend: async () => false,
      ack: async () => undefined,
      fail: async () => undefined,
      backlog: async () => {
        throw new Error("gone");
      },
      close: () => undefined,
    };
    queue = new MeteredQueue(broken);
    expect((await metrics()).get("maxleaf_queue_messages")?.samples.size).toBe(0);
    expect(await valueOf("maxleaf_queue_oldest_message_age_seconds")).toBeNaN();
  });
});

function fail(): never {
  throw new Error("no message came");
}

describe("the encoder service", () => {
  const app = createEncoderApp({
    encoder: { encode: () => Promise.reject(new Error("no question is asked")) },
    secret: "secret",
    logger: pino({ level: "silent" }),
    limits: { concurrency: 1, maxWaiting: 0 },
  });

  it("serves /metrics to who has its secret", async () => {
    expect((await app.request("/metrics")).status).toBe(401);
    const answer = await app.request("/metrics", { headers: { authorization: "Bearer secret" } });
    expect(answer.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(parseExposition(await answer.text()).has("maxleaf_ingest_pages_total")).toBe(true);
  });
});

describe("serveMetrics", () => {
  it("serves GET /metrics on the loopback interface and nothing else", async () => {
    const server = await serveMetrics(0);
    try {
      expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/);
      const answer = await fetch(server.url);
      expect(answer.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
      expect(parseExposition(await answer.text()).has("maxleaf_ingest_pages_total")).toBe(true);
      expect((await fetch(server.url, { method: "POST" })).status).toBe(405);
      expect((await fetch(new URL("/", server.url))).status).toBe(404);
    } finally {
      await server.close();
    }
  });

  it("says when the port cannot be had", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const address = taken.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await expect(serveMetrics(port)).rejects.toMatchObject({ code: "invalid_request" });
    taken.close();
  });
});
