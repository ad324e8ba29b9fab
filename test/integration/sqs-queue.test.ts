import { describe, expect, it } from "vitest";
import { type DeadLetter, MAX_RECEIVES } from "../../encoder/queue/queue.ts";
import { SqsQueue } from "../../encoder/queue/sqs-queue.ts";
import { describeQueue } from "../conformance/queue.ts";
import { CREDENTIALS, createQueue, motoUrl, readDeadLetters } from "./moto.ts";

describe.skipIf(motoUrl === "")("over moto", () => {
  describeQueue("SQS with a dead-letter queue", {
    saysWhyUnfinished: false,
    open: async () => {
      const dead = await createQueue();
      const { url } = await createQueue({ deadLetterArn: dead.arn, maxReceiveCount: MAX_RECEIVES });
      const setAside = async () => {
        throw new Error("there is a dead-letter queue");
      };
      const queue = new SqsQueue({ url, credentials: CREDENTIALS, setAside });
      return { queue, deadLetters: async () => await readDeadLetters(dead.url) };
    },
  });

  describeQueue("SQS without a dead-letter queue", {
    open: async () => {
      const { url } = await createQueue();
      const dead: DeadLetter[] = [];
      const setAside = async (letter: DeadLetter) => void dead.push(letter);
      const queue = new SqsQueue({ url, credentials: CREDENTIALS, setAside });
      return { queue, deadLetters: async () => dead };
    },
  });

  describe("SQS queue", () => {
    const setAside = async () => undefined;

    it("says that there is no such queue", async () => {
      const url = `${motoUrl}/123456789012/no-such-queue`;
      const queue = new SqsQueue({ url, credentials: CREDENTIALS, setAside });
      const receiving = queue.receive({ max: 1, waitMs: 0, visibilityMs: 1_000 });
      await expect(receiving).rejects.toMatchObject({
        code: "queue_unavailable",
        message: expect.stringMatching(/no-such-queue/),
      });
      await expect(queue.send(["a"])).rejects.toMatchObject({ code: "queue_unavailable" });
      queue.close();
    });

    it("keeps a message whose dead letter could not be kept", async () => {
      const { url } = await createQueue();
      const queue = new SqsQueue({
        url,
        credentials: CREDENTIALS,
        setAside: async () => {
          throw new Error("the disk is full");
        },
      });
      await queue.send(["precious"]);
      const [message] = await queue.receive({ max: 1, waitMs: 0, visibilityMs: 60_000 });
      if (message === undefined) throw new Error("no message came");
      await expect(queue.fail(message, "because")).rejects.toMatchObject({
        message: expect.stringMatching(/the disk is full/),
      });
      await queue.extend(message, 0);
      expect(await queue.receive({ max: 1, waitMs: 0, visibilityMs: 60_000 })).toMatchObject([{ body: "precious" }]);
      queue.close();
    });

    it("sends messages that are too large for one batch", async () => {
      const { url } = await createQueue();
      const queue = new SqsQueue({ url, credentials: CREDENTIALS, setAside });
      const bodies = ["a", "b", "c"].map((letter) => letter.repeat(150_000));
      await queue.send(bodies);
      const received = await queue.receive({ max: 10, waitMs: 0, visibilityMs: 60_000 });
      expect(received.map(({ body }) => body).toSorted()).toEqual(bodies);
      queue.close();
    });
  });
});
