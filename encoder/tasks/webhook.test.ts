/**
 * Webhooks to a real HTTP server, which checks the signature by itself and with the specification's own library.
 */
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Task } from "../../shared/api/tasks.ts";
import { OPEN_TASKS_PREFIX } from "../../shared/store/layout.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import { closeTask, WEBHOOK_PAUSES_MS } from "./close-task.ts";
import { taskPortsOf } from "./open-tasks.ts";
import { finished, TaskStore } from "./task-store.ts";
import { addRequest, NotedMessages } from "./testing.ts";
import { WebhookSender } from "./webhook.ts";

const KEY = Buffer.alloc(32, 7);
const SECRET = `whsec_${KEY.toString("base64")}`;

interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}

let server: Server;
let port: number;
let received: Received[];
let answer: (response: ServerResponse) => void;
let store: MemoryStore;
let tasks: TaskStore;
let now: { ms: number };

beforeAll(async () => {
  server = createServer((request, response) => {
    void (async () => {
      received.push({ headers: request.headers, body: await text(request) });
      answer(response);
    })();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  port = typeof address === "object" && address !== null ? address.port : 0;
});
afterAll(() => void server.close());
beforeEach(() => {
  received = [];
  answer = (response) => void response.writeHead(204).end();
  store = new MemoryStore();
  // The library refuses signatures of another time than now.
  now = { ms: Date.now() };
  tasks = new TaskStore({ store, queue: new NotedMessages(), clock: clock() });
});

const clock = () => ({ nowMs: () => now.ms, sleep: async () => undefined });
const url = () => `http://hooks.test:${port}/done?key=1`;

/** The sender that the environment makes, for which `hooks.test` is this server. */
function sender(env: Record<string, string> = {}): WebhookSender | undefined {
  const given = { MAXLEAF_WEBHOOK_SECRET: SECRET, MAXLEAF_WEBHOOK_ALLOW: `http://hooks.test:${port}`, ...env };
  const resolve = async () => [{ address: "127.0.0.1", family: 4 }];
  return taskPortsOf(given, { resolve, isAllowedAddress: (address) => address === "127.0.0.1" }).webhooks;
}

async function close(id: string, webhooks: WebhookSender | undefined = sender()): Promise<Task> {
  await closeTask(await tasks.readRecord(id), { tasks, webhooks, clock: clock() });
  return await tasks.read(id);
}

async function overTask(): Promise<Task> {
  const { id } = await tasks.create(addRequest(["a.pdf"], { webhookUrl: url() }));
  return (await tasks.update(id, (record) => finished(record, "failed", now.ms, new Error("no")))).task;
}

async function openMarkers(): Promise<number> {
  return (await store.list(OPEN_TASKS_PREFIX)).objects.length;
}

describe("webhooks", () => {
  it("carry the task, signed as Standard Webhooks has it", async () => {
    const task = await overTask();
    expect((await close(task.id)).webhook).toEqual({ url: url(), attempts: 1, deliveredAt: expect.any(String) });
    expect(await openMarkers()).toBe(0);
    const [{ headers, body } = { headers: {}, body: "" }] = received;
    const id = headers["webhook-id"];
    const timestamp = headers["webhook-timestamp"];
    expect([id, headers["content-type"]]).toEqual([`task_${task.id}`, "application/json"]);
    const mac = createHmac("sha256", KEY)
      .update(`${String(id)}.${String(timestamp)}.${body}`)
      .digest("base64");
    expect(headers["webhook-signature"]).toBe(`v1,${mac}`);
    const signed = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
    const { webhook: _webhook, ...data } = task;
    const event = { type: "task.failed", timestamp: task.finishedAt, data };
    expect(new Webhook(SECRET).verify(body, signed)).toEqual(event);
    expect(() => new Webhook(SECRET).verify(body.replace("notes", "other"), signed)).toThrow("No matching signature");
  });

  it("are tried again, with the same id, and noted each time", async () => {
    const { id } = await overTask();
    answer = (response) => void response.writeHead(500).end();
    const failed = await close(id);
    expect(failed.webhook).toEqual({ url: url(), attempts: 1, lastError: "it answered with status 500" });
    // Not due yet.
    await close(id);
    expect(received).toHaveLength(1);
    now.ms += WEBHOOK_PAUSES_MS[0] ?? 0;
    answer = (response) => void response.writeHead(200).end();
    expect((await close(id)).webhook).toMatchObject({ attempts: 2, deliveredAt: expect.any(String) });
    expect(new Set(received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
    expect((await tasks.read(id)).webhook?.lastError).toBeUndefined();
  });

  it("are given up after the last pause, or when the receiver wants no more", async () => {
    answer = (response) => void response.writeHead(302, { location: "/elsewhere" }).end();
    const { id } = await overTask();
    for (const pauseMs of [0, ...WEBHOOK_PAUSES_MS]) {
      expect(await openMarkers()).toBe(1);
      now.ms += pauseMs;
      await close(id);
    }
    expect([received.length, await openMarkers()]).toEqual([WEBHOOK_PAUSES_MS.length + 1, 0]);
    expect((await tasks.read(id)).webhook).toMatchObject({ lastError: "it answered with status 302" });

    answer = (response) => void response.writeHead(410).end();
    const gone = await overTask();
    await close(gone.id);
    expect(await openMarkers()).toBe(0);
  });

  it("are sent again when their sender died before it noted them, and not by two at a time", async () => {
    const { id } = await overTask();
    const record = await tasks.readRecord(id);
    const lost = tasks.update.bind(tasks);
    let updates = 0;
    tasks.update = async (...args) => {
      if (++updates > 1) throw new Error("killed");
      return await lost(...args);
    };
    await expect(closeTask(record, { tasks, webhooks: sender(), clock: clock() })).rejects.toThrow("killed");
    tasks.update = lost;
    await close(id);
    expect(received).toHaveLength(1);
    now.ms += 61_000;
    await Promise.all([close(id), close(id), close(id)]);
    expect(received).toHaveLength(2);
    expect((await tasks.read(id)).webhook).toMatchObject({ attempts: 1, deliveredAt: expect.any(String) });
  });

  it("go to no host that is not allowed, and to no private address", async () => {
    const { id } = await overTask();
    const refused = await close(id, sender({ MAXLEAF_WEBHOOK_ALLOW: "*.example.org" }));
    expect(refused.webhook?.lastError).toMatch(/^url_not_allowed/);
    const other = await overTask();
    const allow = { MAXLEAF_WEBHOOK_SECRET: SECRET, MAXLEAF_WEBHOOK_ALLOW: `http://hooks.test:${port}` };
    const strict = taskPortsOf(allow, { resolve: async () => [{ address: "127.0.0.1", family: 4 }] }).webhooks;
    expect((await close(other.id, strict)).webhook?.lastError).toMatch(/no public address/);
    expect(received).toEqual([]);
  });

  it("are not sent without a secret, which the task says", async () => {
    const { id } = await overTask();
    const { webhooks } = taskPortsOf({});
    await closeTask(await tasks.readRecord(id), { tasks, webhooks, clock: clock() });
    expect((await tasks.read(id)).webhook).toMatchObject({
      attempts: 1,
      lastError: expect.stringMatching(/no secret/),
    });
    expect(await openMarkers()).toBe(1);
  });

  it("leave out the documents of a very large task", async () => {
    const { id } = await overTask();
    const task = await tasks.read(id);
    const documents = Array.from({ length: 1_000 }, (_, at) => ({
      name: `${at}-${"x".repeat(300)}.pdf`,
      status: "added" as const,
      pagesDone: 1,
    }));
    await sender()?.deliver(url(), { ...task, documents });
    expect(received[0]?.body.length).toBeLessThan(2_000);
    expect(received[0]?.body).not.toMatch(/"documents"/);
  });

  it.each([
    "",
    "short",
    "whsec_",
    `whsec_${Buffer.alloc(23).toString("base64")}`,
    "whsec_ä",
    Buffer.alloc(65).toString("base64"),
  ])("do not take %j for a secret", (secret) => {
    const post = async () => ({ status: 200 });
    expect(() => new WebhookSender(secret, post)).toThrow(expect.objectContaining({ code: "invalid_request" }));
  });
});
