import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { LocalQueue } from "./local-queue.ts";
import type { QueueMessage } from "./queue.ts";

const run = promisify(execFile);
const HELD = { max: 10, waitMs: 0, visibilityMs: 60_000 };

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-queue-"));
  path = join(folder, "made", "queue.sqlite");
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

/** A queue whose time is `now.ms`. */
function openAt(now: { ms: number }): LocalQueue {
  return LocalQueue.open(path, { clock: { nowMs: () => now.ms, sleep: async () => undefined } });
}

async function receiveOne(queue: LocalQueue): Promise<QueueMessage> {
  const [message] = await queue.receive({ ...HELD, max: 1 });
  if (message === undefined) throw new Error("no message came");
  return message;
}

describe("LocalQueue", () => {
  it("keeps messages, deliveries and dead letters when it is closed", async () => {
    const now = { ms: 1_000_000 };
    const before = openAt(now);
    await before.send(["held", "bad", "waiting"]);
    const held = await receiveOne(before);
    await before.fail(await receiveOne(before), "it is bad");
    before.close();

    const after = openAt(now);
    expect(after.depth()).toBe(2);
    expect(await after.receive(HELD)).toMatchObject([{ body: "waiting" }]);
    expect(after.deadLetters()).toMatchObject([
      { body: "bad", receiveCount: 1, reason: "it is bad", failedAtMs: 1_000_000 },
    ]);
    await after.ack([held]);
    expect(after.depth()).toBe(1);
    after.close();
  });

  it("tells what waits, what is hidden, and for how long the oldest could have been taken", async () => {
    const now = { ms: 1_000_000 };
    const queue = openAt(now);
    expect(await queue.backlog()).toEqual({ waiting: 0, hidden: 0, oldestWaitingMs: 0 });
    await queue.send(["a", "b"]);
    now.ms += 5_000;
    await queue.send(["c"]);
    now.ms += 2_000;
    await receiveOne(queue);
    expect(await queue.backlog()).toEqual({ waiting: 2, hidden: 1, oldestWaitingMs: 7_000 });
    // What its worker did not finish could be taken since its hold ran out.
    now.ms += 61_000;
    expect(await queue.backlog()).toEqual({ waiting: 3, hidden: 0, oldestWaitingMs: 68_000 });
    queue.close();
  });

  it("hides a message to the millisecond", async () => {
    const now = { ms: 1_000_000 };
    const queue = openAt(now);
    await queue.send(["a"]);
    await receiveOne(queue);
    now.ms += 59_999;
    expect(await queue.receive(HELD)).toEqual([]);
    now.ms += 1;
    expect(await queue.receive(HELD)).toMatchObject([{ receiveCount: 2 }]);
    queue.close();
  });

  it("does not let a worker that was too slow touch what another has", async () => {
    const now = { ms: 1_000_000 };
    const queue = openAt(now);
    await queue.send(["a"]);
    const slow = await receiveOne(queue);
    now.ms += 60_000;
    const fast = await receiveOne(queue);
    await queue.ack([slow]);
    await queue.fail(slow, "too late");
    expect(await queue.extend(slow, 0)).toBe(false);
    expect([queue.depth(), queue.deadLetters()]).toEqual([1, []]);
    expect(await queue.receive(HELD)).toEqual([]);
    await queue.ack([fast]);
    expect(queue.depth()).toBe(0);
    queue.close();
  });

  it("gives every message of several processes to one of several processes", async () => {
    const module = JSON.stringify(new URL("local-queue.ts", import.meta.url).href);
    const script = `
      const { LocalQueue } = await import(${module});
      const queue = LocalQueue.open(${JSON.stringify(path)});
      const done = [];
      for (let round = 0; round < 20; round++) {
        await queue.send([process.argv[1] + "-" + round]);
        const messages = await queue.receive({ max: 2, waitMs: 0, visibilityMs: 60_000 });
        done.push(...messages.map(({ body }) => body));
        await queue.ack(messages);
      }
      console.log(JSON.stringify(done));`;
    const workers = ["a", "b", "c"].map(
      async (name) => await run(process.execPath, ["--input-type=module", "--eval", script, name]),
    );
    const done = (await Promise.all(workers)).flatMap(({ stdout }) => z.array(z.string()).parse(JSON.parse(stdout)));
    const queue = LocalQueue.open(path);
    const left = await queue.receive(HELD);
    const sent = ["a", "b", "c"].flatMap((name) => Array.from({ length: 20 }, (_, round) => `${name}-${round}`));
    expect([...done, ...left.map(({ body }) => body)].toSorted()).toEqual(sent.toSorted());
    queue.close();
  });

  it("says that a file is no queue, or a newer one", () => {
    const other = join(folder, "other.sqlite");
    writeFileSync(other, "this is a letter to my aunt, and long enough to be read as one".repeat(20));
    expect(() => LocalQueue.open(other)).toThrow(expect.objectContaining({ code: "queue_unavailable" }));
    expect(() => LocalQueue.open(folder)).toThrow(expect.objectContaining({ code: "queue_unavailable" }));

    const newer = join(folder, "newer.sqlite");
    const database = new DatabaseSync(newer);
    database.exec("PRAGMA user_version = 2");
    database.close();
    expect(() => LocalQueue.open(newer)).toThrow(expect.objectContaining({ code: "unsupported_format_version" }));
  });
});
