/**
 * Tasks over S3 and SQS of moto, done by the real command line.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MAX_RECEIVES } from "../../encoder/queue/queue.ts";
import { SqsQueue } from "../../encoder/queue/sqs-queue.ts";
import { S3Store } from "../../encoder/storage/s3-store.ts";
import { TaskStore } from "../../encoder/tasks/task-store.ts";
import { layout, OPEN_TASKS_PREFIX, UPLOADS_PREFIX } from "../../shared/store/layout.ts";
import { run } from "../e2e/support/command-line.ts";
import { writePdf } from "../e2e/support/documents.ts";
import { createBucket, createQueue, CREDENTIALS, motoUrl, readDeadLetters, REGION, type TestQueue } from "./moto.ts";

const TIMEOUT_MS = 180_000;

describe.skipIf(motoUrl === "")("tasks over S3 and SQS", { timeout: TIMEOUT_MS }, () => {
  let folder: string;
  let dead: TestQueue;
  let store: S3Store;
  let queue: SqsQueue;
  let tasks: TaskStore;
  let env: Record<string, string>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "maxleaf-tasks-"));
    const bucket = await createBucket();
    dead = await createQueue();
    const { url } = await createQueue({ deadLetterArn: dead.arn, maxReceiveCount: MAX_RECEIVES });
    store = new S3Store({ bucket, endpoint: motoUrl, region: REGION, credentials: CREDENTIALS });
    queue = new SqsQueue({ url, credentials: CREDENTIALS, setAside: async () => undefined });
    tasks = new TaskStore({ store, queue });
    env = {
      MAXLEAF_S3_ENDPOINT: motoUrl,
      MAXLEAF_S3_BUCKET: bucket,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_REGION: REGION,
      MAXLEAF_DATA_DIR: join(folder, "data"),
      MAXLEAF_QUEUE: `sqs:${url}`,
    };
  }, TIMEOUT_MS);
  afterAll(async () => {
    queue.close();
    store.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function create(names: readonly string[]) {
    for (const [at, name] of names.entries()) {
      await writePdf(join(folder, "upload.pdf"), [`${name} tells of herring`, `${name} tells of oaks`]);
      await store.put(layout.upload(`${at}-${name.length}`), await readFile(join(folder, "upload.pdf")));
    }
    const documents = names.map((name, at) => {
      return { name, source: { kind: "upload", uploadId: `${at}-${name.length}` } } as const;
    });
    return await tasks.create({ type: "documents.add", index: "notes", documents });
  }

  it("become documents that are found, or are canceled, and leave nothing behind", async () => {
    const added = await create(["a.pdf", "b.pdf"]);
    const canceled = await create(["unwanted.pdf"]);
    const maintained = await tasks.create({ type: "index.compact", index: "nothing-there" });
    await tasks.cancel(canceled.id);
    const { code, stdout } = await run(["worker", "--once", "--json", "--no-calibrate"], env);
    expect([code, JSON.parse(stdout)]).toEqual([0, { acknowledged: 3, givenBack: 0, setAside: 0 }]);

    const document = { status: "added", pageCount: 2, pagesDone: 2 };
    expect(await tasks.read(added.id)).toMatchObject({ status: "succeeded", documents: [document, document] });
    expect(await tasks.read(canceled.id)).toMatchObject({ status: "canceled", attempts: 0 });
    expect(await tasks.read(maintained.id)).toMatchObject({ status: "failed", error: { code: "index_not_found" } });
    const { tasks: listed } = await tasks.list({ limit: 10 });
    expect(listed.map(({ id }) => id)).toEqual([maintained.id, canceled.id, added.id]);

    const found = await run(["search", "herring", "--index", "notes", "--json"], env);
    expect(found.stdout).toMatch(/"(a|b)\.pdf"/);
    for (const prefix of [UPLOADS_PREFIX, OPEN_TASKS_PREFIX]) expect((await store.list(prefix)).objects).toEqual([]);
    expect(await readDeadLetters(dead.url)).toEqual([]);
  });
});
