/**
 * What every queue must do, as one suite: run over a local file and, in the integration tests, a real SQS server. Time is
 * the queue's own here, in the one second that SQS can tell apart.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type JobQueue, MAX_BODY_BYTES, MAX_RECEIVES, type QueueMessage } from "../../encoder/queue/queue.ts";

export interface OpenedQueue {
  queue: JobQueue;
  /** What was set aside; `reason` where the queue keeps one. */
  deadLetters(): Promise<{ body: string; reason?: string | undefined }[]>;
  close?(): Promise<void>;
}

export interface QueueConformanceOptions {
  /** An empty queue. */
  open: () => Promise<OpenedQueue>;
  /** False for a queue that moves messages by itself when they were delivered too often, without a word. */
  saysWhyUnfinished?: boolean;
}

const SECOND_MS = 1_000;
/** Longer than anything below takes. */
const HELD_MS = 60 * SECOND_MS;
const TEXT = 'a line, "quoted"\nKäse %2F+ 日本 😀';

/** Declares the suite for the queue called `name`. */
export function describeQueue(name: string, { open, saysWhyUnfinished = true }: QueueConformanceOptions): void {
  describe(`queue: ${name}`, () => {
    let opened: OpenedQueue;
    let queue: JobQueue;
    beforeEach(async () => {
      opened = await open();
      queue = opened.queue;
    });
    afterEach(async () => {
      queue.close();
      await opened.close?.();
    });

    const receive = async (options: { max?: number; waitMs?: number; visibilityMs?: number } = {}) =>
      await queue.receive({ max: 10, waitMs: 0, visibilityMs: HELD_MS, ...options });
    const receiveOne = async (visibilityMs = HELD_MS): Promise<QueueMessage> => {
      const [message] = await receive({ max: 1, waitMs: 5 * SECOND_MS, visibilityMs });
      if (message === undefined) throw new Error("no message came");
      return message;
    };

    it("delivers what was sent, once while it is held", async () => {
      await queue.send([TEXT]);
      const message = await receiveOne();
      expect(message).toMatchObject({ body: TEXT, receiveCount: 1 });
      expect(await receive({ waitMs: SECOND_MS })).toEqual([]);
    });

    it("delivers again what was not finished in time, counting", async () => {
      await queue.send([TEXT]);
      const first = await receiveOne(SECOND_MS);
      const second = await receiveOne();
      expect(second).toMatchObject({ id: first.id, body: TEXT, receiveCount: 2 });
      expect(second.receipt).not.toBe(first.receipt);
    });

    it("never delivers again what was acknowledged", async () => {
      await queue.send(["a", "b", "c"]);
      const messages = await receiveAll(3, SECOND_MS);
      await queue.ack(messages);
      expect(await receive({ waitMs: 2 * SECOND_MS })).toEqual([]);
      await queue.ack([]);
      await queue.ack(messages);
      expect(await opened.deadLetters()).toEqual([]);
    });

    it("hides a message longer when it is extended", async () => {
      await queue.send([TEXT]);
      const message = await receiveOne(SECOND_MS);
      expect(await queue.extend(message, HELD_MS)).toBe(true);
      expect(await receive({ waitMs: 2 * SECOND_MS })).toEqual([]);
      await queue.ack([message]);
    });

    it("shows a message at once when it is given back", async () => {
      await queue.send([TEXT]);
      const message = await receiveOne();
      expect(await queue.extend(message, 0)).toBe(true);
      expect(await receiveOne()).toMatchObject({ id: message.id, receiveCount: 2 });
    });

    it("says when a message is not held any more", async () => {
      await queue.send([TEXT]);
      const message = await receiveOne();
      await queue.ack([message]);
      expect(await queue.extend(message, HELD_MS)).toBe(false);
    });

    it("sets a failed message aside with the reason", async () => {
      await queue.send([TEXT, "good"]);
      const messages = await receiveAll(2, SECOND_MS);
      const bad = messages.find(({ body }) => body === TEXT);
      const good = messages.find(({ body }) => body === "good");
      if (bad === undefined || good === undefined) throw new Error("a message is missing");
      await queue.fail(bad, 'no file: "Käse.pdf"');
      await queue.ack([good]);
      expect(await opened.deadLetters()).toMatchObject([{ body: TEXT, reason: 'no file: "Käse.pdf"' }]);
      expect(await receive({ waitMs: 2 * SECOND_MS })).toEqual([]);
    });

    it(`sets a message aside that was delivered ${MAX_RECEIVES} times`, async () => {
      await queue.send([TEXT]);
      for (let count = 1; count <= MAX_RECEIVES; count++) {
        const message = await receiveOne();
        expect(message.receiveCount).toBe(count);
        await queue.extend(message, 0);
      }
      expect(await receive({ waitMs: SECOND_MS })).toEqual([]);
      const [dead, ...others] = await opened.deadLetters();
      expect(dead?.body).toBe(TEXT);
      if (saysWhyUnfinished) expect(dead?.reason).toMatch(/delivered 5 times and never finished/);
      expect(others).toEqual([]);
    });

    it("gives every message to one of several workers", async () => {
      const bodies = Array.from({ length: 25 }, (_, index) => `message ${index}`);
      await queue.send(bodies);
      const worker = async (): Promise<string[]> => {
        const messages = await receive({ max: 3 });
        expect(messages.length).toBeLessThanOrEqual(3);
        return messages.length === 0 ? [] : [...messages.map(({ body }) => body), ...(await worker())];
      };
      const received = (await Promise.all([worker(), worker(), worker(), worker()])).flat();
      expect(received.toSorted()).toEqual(bodies.toSorted());
    });

    it("waits for a message", async () => {
      const waiting = receive({ waitMs: 10 * SECOND_MS });
      setTimeout(() => void queue.send([TEXT]), 300);
      expect(await waiting).toMatchObject([{ body: TEXT }]);
    });

    it("tells its backlog, if it can", async () => {
      if (queue.backlog === undefined) return;
      await queue.send([TEXT, TEXT]);
      await receiveOne();
      expect(await queue.backlog()).toMatchObject({ waiting: 1, hidden: 1 });
    });

    it("ends the waiting when told to", async () => {
      const stop = new AbortController();
      const waiting = queue.receive({ max: 1, waitMs: 20 * SECOND_MS, visibilityMs: HELD_MS, signal: stop.signal });
      setTimeout(() => stop.abort(), 100);
      expect(await waiting).toEqual([]);
    });

    it("refuses what no queue can do", async () => {
      const refused = expect.objectContaining({ name: "MaxleafError", code: "invalid_request" });
      await expect(receive({ max: 0 })).rejects.toEqual(refused);
      await expect(receive({ max: 11 })).rejects.toEqual(refused);
      await expect(receive({ waitMs: 20_001 })).rejects.toEqual(refused);
      await expect(receive({ visibilityMs: 0 })).rejects.toEqual(refused);
      await expect(queue.send([""])).rejects.toEqual(refused);
      await expect(queue.send(["x".repeat(MAX_BODY_BYTES + 1)])).rejects.toMatchObject({ code: "body_too_large" });
      expect(await receive()).toEqual([]);
    });

    /** `count` messages, however many requests that takes. */
    async function receiveAll(count: number, visibilityMs: number): Promise<QueueMessage[]> {
      const messages: QueueMessage[] = [];
      while (messages.length < count) messages.push(await receiveOne(visibilityMs));
      return messages;
    }
  });
}
