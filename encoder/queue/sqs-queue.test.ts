/**
 * What SQS says of its backlog, over a server that answers as a test chooses; all else of the adapter runs over moto
 * (test/integration).
 */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SqsQueue } from "./sqs-queue.ts";

interface Answer {
  status: number;
  body: unknown;
}

let server: Server;
let queue: SqsQueue;
let answer: Answer;
let asked: { target: string | undefined; body: unknown }[];
beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const target = request.headers["x-amz-target"];
      asked.push({ target: String(target), body: JSON.parse(Buffer.concat(chunks).toString()) });
      response.writeHead(answer.status, { "content-type": "application/x-amz-json-1.0" });
      response.end(JSON.stringify(answer.body));
    });
  });
  server.listen({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const credentials = { accessKeyId: "id", secretAccessKey: "secret" };
  const url = `http://127.0.0.1:${port}/123456789012/events`;
  queue = new SqsQueue({ url, credentials, setAside: async () => undefined });
});
afterEach(async () => {
  queue.close();
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

const attributes = (waiting: string, notVisible: string, delayed: string): Answer => ({
  status: 200,
  body: {
    Attributes: {
      ApproximateNumberOfMessages: waiting,
      ApproximateNumberOfMessagesNotVisible: notVisible,
      ApproximateNumberOfMessagesDelayed: delayed,
    },
  },
});

describe("the backlog of SQS", () => {
  it("counts what is worked on and what was sent for later as hidden, and knows no age", async () => {
    answer = attributes("1200", "30", "4");
    expect(await queue.backlog()).toEqual({ waiting: 1_200, hidden: 34, oldestWaitingMs: undefined });
    expect(asked).toEqual([
      {
        target: "AmazonSQS.GetQueueAttributes",
        body: {
          QueueUrl: queue.description,
          AttributeNames: [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
          ],
        },
      },
    ]);
  });

  it("is 0 of an empty queue", async () => {
    answer = attributes("0", "0", "0");
    expect(await queue.backlog()).toMatchObject({ waiting: 0, hidden: 0 });
  });

  it.each([
    ["nothing", { status: 200, body: {} }],
    ["not all of it", { status: 200, body: { Attributes: { ApproximateNumberOfMessages: "3" } } }],
    ["no numbers", attributes("many", "0", "0")],
    ["less than nothing", attributes("-1", "0", "0")],
  ])("is unknown, and not 0, when the server says %s", async (_what, said) => {
    answer = said;
    await expect(queue.backlog()).rejects.toMatchObject({
      code: "queue_unavailable",
      message: expect.stringMatching(/could not be looked at: its attribute Approximate/),
    });
  });

  it("is unknown when the server refuses", async () => {
    answer = { status: 400, body: { __type: "com.amazonaws.sqs#QueueDoesNotExist", message: "no such queue" } };
    await expect(queue.backlog()).rejects.toMatchObject({
      code: "queue_unavailable",
      message: expect.stringMatching(/no such queue/),
    });
  });
});
