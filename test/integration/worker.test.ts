/**
 * From a file in a bucket to a page that is found: S3 and SQS of moto, the real command line in between.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  DeleteObjectCommand,
  type Event,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { GetQueueAttributesCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MAX_RECEIVES } from "../../encoder/queue/queue.ts";
import { run, start, until } from "../e2e/support/command-line.ts";
import { writePdf } from "../e2e/support/documents.ts";
import {
  createBucket,
  CREDENTIALS,
  createQueue,
  motoUrl,
  readDeadLetters,
  REGION,
  s3,
  sqs,
  type TestQueue,
} from "./moto.ts";

const TIMEOUT_MS = 180_000;

describe.skipIf(motoUrl === "")("maxleaf worker over S3 and SQS", { timeout: TIMEOUT_MS }, () => {
  let folder: string;
  let uploads: string;
  let queue: TestQueue;
  let dead: TestQueue;
  let env: Record<string, string>;
  let options: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "maxleaf-worker-"));
    uploads = await createBucket();
    dead = await createQueue();
    queue = await createQueue({ deadLetterArn: dead.arn, maxReceiveCount: MAX_RECEIVES });
    const events: Event[] = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"];
    await s3.send(
      new PutBucketNotificationConfigurationCommand({
        Bucket: uploads,
        NotificationConfiguration: { QueueConfigurations: [{ QueueArn: queue.arn, Events: events }] },
      }),
    );
    env = {
      MAXLEAF_S3_ENDPOINT: motoUrl,
      MAXLEAF_S3_BUCKET: await createBucket(),
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_REGION: REGION,
      MAXLEAF_DATA_DIR: join(folder, "data"),
    };
    const maps = ["--map", `${uploads}/reports=reports`, "--map", `${uploads}/letters=letters`];
    options = ["worker", "--queue", `sqs:${queue.url}`, "--source-endpoint", motoUrl, ...maps];
  }, TIMEOUT_MS);
  afterAll(async () => await rm(folder, { recursive: true, force: true }));

  async function put(key: string, pages: readonly string[] | Uint8Array): Promise<void> {
    const path = join(folder, "upload.pdf");
    if (!(pages instanceof Uint8Array)) await writePdf(path, [...pages]);
    const Body = pages instanceof Uint8Array ? pages : await readFile(path);
    await s3.send(new PutObjectCommand({ Bucket: uploads, Key: key, Body }));
  }

  async function remove(key: string): Promise<void> {
    await s3.send(new DeleteObjectCommand({ Bucket: uploads, Key: key }));
  }

  async function workOff(): Promise<{ code: number | null; log: string; report: Record<string, number> }> {
    const { code, stdout, stderr } = await run([...options, "--once", "--json"], env);
    return { code, log: stderr, report: stdout === "" ? {} : JSON.parse(stdout) };
  }

  /** The document and page of the best hit. */
  async function best(index: string, question: string): Promise<string | undefined> {
    const { stdout } = await run(["search", question, "--index", index, "-k", "1", "--json"], env);
    const [hit] = JSON.parse(stdout).hits;
    return hit && `${hit.document.name}:${hit.page}`;
  }

  async function documents(index: string): Promise<string[]> {
    const { stdout } = await run(["documents", "--index", index, "--json"], env);
    return JSON.parse(stdout).documents.map(({ name }: { name: string }) => name);
  }

  /** Messages waiting and held. */
  async function depth(): Promise<number> {
    const names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"] as const;
    const command = new GetQueueAttributesCommand({ QueueUrl: queue.url, AttributeNames: [...names] });
    const { Attributes = {} } = await sqs.send(command);
    return names.reduce((sum, name) => sum + Number(Attributes[name] ?? 0), 0);
  }

  it("makes uploaded files searchable, each in the index of its prefix", async () => {
    await put("reports/2023/a b+c.pdf", ["The barn owl hunts at night.", "Owl chicks hatch in April."]);
    await put("reports/ships.pdf", ["The cargo ship carried grain to the harbour of Rotterdam."]);
    await put("letters/Käse.pdf", ["The cheese of the monastery ripens for a year."]);
    await put("reports/notes.txt", new TextEncoder().encode("not a page"));
    const { code, report, log } = await workOff();
    // S3's own test message is the fifth.
    expect([code, report]).toEqual([0, { acknowledged: 5, givenBack: 0, setAside: 0 }]);
    expect(log).toMatch(/reports\/2023\/a b\+c\.pdf in reports: added \(done\)/);
    expect(await best("reports", "when do young owls hatch")).toBe("2023/a b+c.pdf:2");
    expect(await best("letters", "cheese")).toBe("Käse.pdf:1");
    expect(await depth()).toBe(0);
  });

  it("changes nothing when a message is delivered again", async () => {
    const before = await run(["documents", "--index", "reports", "--json"], env);
    const record = {
      eventName: "ObjectCreated:Put",
      s3: { bucket: { name: uploads }, object: { key: "reports/ships.pdf", eTag: "whatever" } },
    };
    const command = { QueueUrl: queue.url, MessageBody: JSON.stringify({ Records: [record, record] }) };
    await sqs.send(new SendMessageCommand(command));
    await sqs.send(new SendMessageCommand(command));
    const { report, log } = await workOff();
    expect(report).toEqual({ acknowledged: 2, givenBack: 0, setAside: 0 });
    expect(log).toMatch(/ships\.pdf in reports: unchanged/);
    expect((await run(["documents", "--index", "reports", "--json"], env)).stdout).toBe(before.stdout);
  });

  it("replaces and deletes, whatever the notifications' order", async () => {
    await put("reports/ships.pdf", ["The ferry to Oslo leaves at noon."]);
    await remove("reports/2023/a b+c.pdf");
    await put("letters/gone.pdf", ["This letter is withdrawn."]);
    await remove("letters/gone.pdf");
    const { report, log } = await workOff();
    expect(report).toEqual({ acknowledged: 4, givenBack: 0, setAside: 0 });
    expect(log).toMatch(/a b\+c\.pdf in reports: deleted/);
    expect(await documents("reports")).toEqual(["ships.pdf"]);
    expect(await documents("letters")).toEqual(["Käse.pdf"]);
    expect(await best("reports", "ferry to Oslo")).toBe("ships.pdf:1");
  });

  it("sets aside what cannot be done, with the reason", async () => {
    await sqs.send(new SendMessageCommand({ QueueUrl: queue.url, MessageBody: "hello" }));
    await put("elsewhere/a.pdf", ["Nobody wants me."]);
    await put("reports/empty.pdf", new Uint8Array(0));
    const { code, report } = await workOff();
    expect([code, report]).toEqual([3, { acknowledged: 0, givenBack: 0, setAside: 3 }]);
    const letters = Object.fromEntries((await readDeadLetters(dead.url)).map(({ body, reason }) => [body, reason]));
    const reasonOf = (part: string) => Object.entries(letters).find(([body]) => body.includes(part))?.[1];
    expect(reasonOf("hello")).toMatch(/is no JSON: "hello"/);
    expect(reasonOf("elsewhere%2Fa.pdf")).toMatch(/belongs to no index/);
    expect(reasonOf("reports%2Fempty.pdf")).toMatch(/empty\.pdf in reports: file_empty/);
    expect(await depth()).toBe(0);
  });

  it("keeps running, and gives back what it has when it is stopped", async () => {
    const worker = start(options, env);
    await until(worker, async () => (worker.output().includes("working on") ? true : undefined));
    await put("reports/late.pdf", ["The swimming hall opens at seven."]);
    await until(worker, async () => (worker.output().includes("late.pdf in reports: added") ? true : undefined));
    await put("reports/long.pdf", longBook());
    const begun = "reports: 1 documents of 1 messages";
    await until(worker, async () => (worker.output().split(begun).length === 3 ? true : undefined));
    worker.child.kill("SIGTERM");
    await worker.finished;
    expect(worker.output()).toMatch(/long\.pdf in reports: left \(given back\)/);
    expect([await documents("reports"), await depth()]).toEqual([["late.pdf", "ships.pdf"], 1]);

    // What was given back is still there for the next worker: with the removal two messages about one object.
    await remove("reports/long.pdf");
    const { report, log } = await workOff();
    expect(report).toEqual({ acknowledged: 2, givenBack: 0, setAside: 0 });
    expect(log).toMatch(/delivery 2: .*long\.pdf in reports: absent/);
  });
});

/** Pages enough to be worked on for many seconds. */
function longBook(): string[] {
  return Array.from({ length: 100 }, (_, page) => `Page ${page} of a long book about tides. `.repeat(40));
}
