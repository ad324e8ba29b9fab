/**
 * What only Cloudflare's queue does; test/conformance/cloudflare-queue.test.ts has what every queue does.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ACCOUNT, FakeCloudflareQueues, QUEUE, TOKEN } from "../../test/fakes/cloudflare-queues.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import { HeldMessages } from "../worker/held-messages.ts";
import { IndexMap } from "../worker/index-map.ts";
import { runWorker } from "../worker/worker.ts";
import { CloudflareQueue, type CloudflareQueueOptions } from "./cloudflare-queue.ts";
import type { DeadLetter, QueueMessage } from "./queue.ts";

let fake: FakeCloudflareQueues;
let endpoint: string;
let dead: DeadLetter[];
let queue: CloudflareQueue;
beforeEach(async () => {
  fake = new FakeCloudflareQueues();
  endpoint = await fake.start();
  dead = [];
  queue = open();
});
afterEach(async () => await fake.stop());

function open(options: Partial<CloudflareQueueOptions> = {}): CloudflareQueue {
  const setAside = async (letter: DeadLetter) => void dead.push(letter);
  const ids = { accountId: ACCOUNT, queueId: QUEUE, token: TOKEN };
  return new CloudflareQueue({ ...ids, endpoint, setAside, retryMs: 1, ...options });
}

const HELD = { max: 10, waitMs: 0, visibilityMs: 60_000 };

async function receiveOne(): Promise<QueueMessage> {
  const [message] = await queue.receive({ ...HELD, max: 1 });
  if (message === undefined) throw new Error("no message came");
  return message;
}

describe("CloudflareQueue", () => {
  it("reads the types that producers send", async () => {
    const event = { action: "PutObject", bucket: "b", object: { key: "Käse.pdf" } };
    fake.produce(event, "json");
    fake.produce(JSON.stringify(event), "text");
    fake.produce(JSON.stringify(event), "bytes");
    const messages = await queue.receive(HELD);
    expect(messages.map(({ body }) => JSON.parse(body) as unknown)).toEqual([event, event, event]);
  });

  it("takes what is no base64 as it came", async () => {
    const result = {
      messages: [{ id: "1", body: "hello", attempts: 2, lease_id: "l", metadata: { "CF-Content-Type": "json" } }],
    };
    fake.refusals.push({ status: 200, body: JSON.stringify({ success: true, result }) });
    expect(await queue.receive(HELD)).toMatchObject([{ body: "hello", receiveCount: 2 }]);
  });

  it("sends many and large messages in batches", async () => {
    await queue.send(Array.from({ length: 250 }, (_, at) => `message ${at}`));
    expect([fake.depth, fake.paths]).toEqual([250, ["/batch", "/batch", "/batch"]]);
    fake.paths.length = 0;
    await queue.send(Array.from({ length: 4 }, () => "x".repeat(100_000)));
    expect([fake.depth, fake.paths]).toEqual([254, ["/batch", "/batch"]]);
    await expect(queue.send(["x".repeat(128_000)])).rejects.toMatchObject({ code: "body_too_large" });
  });

  it("tries again what the service refuses for a moment", async () => {
    fake.refusals.push({ status: 429 }, { status: 503, body: "<html>" }, { status: 500 });
    await queue.send(["a"]);
    expect(fake.depth).toBe(1);
    fake.refusals.push(...Array.from({ length: 5 }, () => ({ status: 502, body: "bad gateway" })));
    await expect(queue.receive(HELD)).rejects.toMatchObject({
      code: "queue_unavailable",
      message: expect.stringMatching(/status 502: bad gateway/),
    });
  });

  it("says at once what no repetition changes, and never the token", async () => {
    const stranger = open({ token: "wrong-token" });
    const receiving = stranger.receive(HELD);
    await expect(receiving).rejects.toMatchObject({
      code: "queue_unavailable",
      message: expect.stringMatching(/could not be received from: status 403: Authentication error \(10000\)/),
    });
    await expect(receiving).rejects.not.toMatchObject({ message: expect.stringMatching(/wrong-token/) });
    expect(fake.paths).toEqual(["/pull"]);
    await fake.stop();
    await expect(queue.send(["a"])).rejects.toMatchObject({ code: "queue_unavailable" });
    await fake.start();
  });

  it("refuses an answer that is none", async () => {
    for (const body of ["", "[]", '{"result": {"messages": [{"id": 1}]}}']) {
      fake.refusals.push({ status: 200, body });
      const received = await queue.receive(HELD).catch((error: unknown) => error);
      if (Array.isArray(received)) expect(received).toEqual([]);
      else expect(received).toMatchObject({ code: "queue_unavailable" });
    }
  });

  it("does not acknowledge what it gave back", async () => {
    await queue.send(["a"]);
    const message = await receiveOne();
    await queue.extend(message, 60_000);
    await queue.ack([message]);
    await queue.fail(message, "too late");
    expect([fake.depth, dead]).toEqual([1, []]);
    expect(await queue.extend(message, 0)).toBe(false);
  });

  it("keeps a message whose dead letter could not be kept", async () => {
    await queue.send(["precious"]);
    const message = await receiveOne();
    const full = open({
      setAside: async () => {
        throw new Error("the disk is full");
      },
    });
    await expect(full.fail(message, "because")).rejects.toMatchObject({
      message: expect.stringMatching(/the disk is full/),
    });
    expect(fake.depth).toBe(1);
  });

  it("is held for an hour, without a heartbeat that would give it back", async () => {
    await queue.send(["a"]);
    const held = new HeldMessages(queue, () => undefined, { heartbeatMs: 5 });
    expect(await held.receive({ max: 1, waitMs: 0 })).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 40));
    await held.stop();
    expect(fake.paths).toEqual(["/batch", "/pull"]);
    expect(await queue.receive(HELD)).toEqual([]);
  });

  it("brings R2's notifications to a worker", async () => {
    const bucket = new MemoryStore();
    await bucket.put("reports/Käse.pdf", new Uint8Array(1));
    for (const key of ["reports/Käse.pdf", "reports/gone.pdf"]) {
      fake.produce({ account: ACCOUNT, action: "PutObject", bucket: "uploads", object: { key, size: 1, eTag: "e" } });
    }
    const done: string[] = [];
    const report = await runWorker({
      queue,
      map: IndexMap.parse(["uploads/reports=reports"]),
      source: () => bucket,
      sink: {
        ingest: async (index, files, { onFile }) => {
          for (const { name } of files) {
            done.push(`${index}: ${name}`);
            onFile(name, "added");
          }
          return { failed: [] };
        },
        remove: async (index, names) => {
          done.push(`${index}: -${names.join()}`);
          return [...names];
        },
      },
      once: true,
      signal: new AbortController().signal,
    });
    expect(report).toEqual({ acknowledged: 2, givenBack: 0, setAside: 0 });
    expect([done.toSorted(), fake.depth]).toEqual([["reports: -gone.pdf", "reports: Käse.pdf"], 0]);
  });

  it("needs ids and a token", () => {
    const refused = expect.objectContaining({ code: "invalid_request" });
    expect(() => open({ accountId: "../x" })).toThrow(refused);
    expect(() => open({ queueId: "my-queue" })).toThrow(refused);
    expect(() => open({ token: "" })).toThrow(refused);
  });
});
