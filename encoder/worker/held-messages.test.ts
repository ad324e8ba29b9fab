import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { LocalQueue } from "../queue/local-queue.ts";
import { HeldMessages } from "./held-messages.ts";

it("keeps messages from others while it lives, however long the work takes, and no longer", async () => {
  const folder = mkdtempSync(join(tmpdir(), "maxleaf-held-"));
  const queue = LocalQueue.open(join(folder, "queue.sqlite"));
  const log: string[] = [];
  await queue.send(["a", "b"]);
  const held = new HeldMessages(queue, (line) => void log.push(line), { holdMs: 1_000, heartbeatMs: 100 });
  expect(await held.receive({ max: 10, waitMs: 0 })).toBe(2);

  await sleep(2_500);
  expect(await queue.receive({ max: 10, waitMs: 0, visibilityMs: 60_000 })).toEqual([]);
  const [first] = held.messages;
  if (first !== undefined) await queue.ack([first]);
  await sleep(500);
  expect(log).toEqual([expect.stringMatching(/is no longer held/)]);

  await held.stop();
  expect(await queue.receive({ max: 10, waitMs: 5_000, visibilityMs: 60_000 })).toMatchObject([
    { body: held.messages[1]?.body, receiveCount: 2 },
  ]);
  queue.close();
  await rm(folder, { recursive: true, force: true });
});

it("holds no more what is released", async () => {
  const folder = mkdtempSync(join(tmpdir(), "maxleaf-held-"));
  const queue = LocalQueue.open(join(folder, "queue.sqlite"));
  await queue.send(["a", "b"]);
  const held = new HeldMessages(queue, () => undefined, { holdMs: 60_000, heartbeatMs: 20 });
  await held.receive({ max: 10, waitMs: 0 });
  const [first, second] = held.messages;
  if (first === undefined || second === undefined) throw new Error("a message is missing");
  await held.release(first);
  await queue.extend(first, 0);
  await sleep(100);
  // No heartbeat has hidden it again.
  expect(await queue.receive({ max: 10, waitMs: 0, visibilityMs: 60_000 })).toMatchObject([{ id: first.id }]);
  expect(held.held).toEqual([second]);
  await held.stop();
  queue.close();
  await rm(folder, { recursive: true, force: true });
});
