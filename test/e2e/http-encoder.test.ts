/**
 * Documents over HTTP as they are deployed: an encoder service that takes them, and a worker elsewhere that ingests them, over
 * one bucket and one queue.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { uploadSchema } from "../../shared/api/admin.ts";
import { problemSchema } from "../../shared/api/search.ts";
import { taskSchema } from "../../shared/api/tasks.ts";
import { type LocalBucket, startLocalBucket } from "../conformance/local-bucket.ts";
import { run, type Running, start, until } from "./support/command-line.ts";
import { writePdf } from "./support/documents.ts";

const TIMEOUT_MS = 180_000;
const SECRET = "of-these-tests-only";

let folder: string;
let bucket: LocalBucket;
let environment: Record<string, string>;
const running: Running[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-encoder-"));
  bucket = await startLocalBucket();
  const { endpoint, bucket: name, credentials } = bucket.options;
  environment = {
    ENCODER_SECRET: SECRET,
    MAXLEAF_S3_ENDPOINT: endpoint,
    MAXLEAF_S3_BUCKET: name,
    MAXLEAF_QUEUE: `sqlite:${join(folder, "queue.sqlite")}`,
    AWS_ACCESS_KEY_ID: credentials?.accessKeyId ?? "",
    AWS_SECRET_ACCESS_KEY: credentials?.secretAccessKey ?? "",
    AWS_REGION: "auto",
    MAXLEAF_DATA_DIR: join(folder, "data"),
  };
}, TIMEOUT_MS);

afterAll(async () => {
  for (const { child, finished } of running) {
    child.kill("SIGINT");
    await finished;
  }
  await bucket.stop();
  await rm(folder, { recursive: true, force: true });
}, TIMEOUT_MS);

function launch(args: string[], env = environment): Running {
  const started = start(args, env);
  running.push(started);
  return started;
}

/** Starts a service; asks it. */
async function startService(env: Record<string, string>) {
  const encoder = launch(["encoder", "--host", "127.0.0.1", "--port", "0"], env);
  const url = await until(encoder, async () => /encoder service at (\S+)/.exec(encoder.output())?.[1]);
  const ask = async (method: string, path: string, body?: string | Uint8Array, type = "application/json") =>
    await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${SECRET}`, "content-type": type },
      ...(body !== undefined && { body }),
    });
  return { encoder, ask };
}

describe("maxleaf encoder with a bucket and a queue", { timeout: TIMEOUT_MS }, () => {
  it("takes documents that a worker ingests", async () => {
    const { encoder, ask } = await startService(environment);
    await writePdf(join(folder, "sea.pdf"), ["Herring swim in the cold North Sea."]);
    const bytes = await readFile(join(folder, "sea.pdf"));
    const announced = JSON.stringify({ name: "sea.pdf", bytes: bytes.byteLength, contentType: "application/pdf" });
    const upload = uploadSchema.parse(await (await ask("POST", "/v1/indexes/docs/uploads", announced)).json());
    const sent = await fetch(upload.url, { method: "PUT", headers: upload.headers, body: bytes });
    expect(sent.status).toBe(200);
    const list = JSON.stringify({ documents: [{ name: "sea.pdf", uploadId: upload.uploadId }] });
    const task = taskSchema.parse(await (await ask("POST", "/v1/indexes/docs/documents", list)).json());
    expect(task.status).toBe("enqueued");

    const worker = await run(["worker", "--queue", environment["MAXLEAF_QUEUE"] ?? "", "--once"], environment);
    expect(worker).toMatchObject({ code: 0 });
    const over = await until(encoder, async () => {
      const now = taskSchema.parse(await (await ask("GET", `/v1/tasks/${task.id}`)).json());
      return now.finishedAt === undefined ? undefined : now;
    });
    expect(over).toMatchObject({ status: "succeeded", documents: [{ name: "sea.pdf", status: "added" }] });
    const found = await run(["search", "fish in the sea", "-i", "docs", "--json"], environment);
    expect(JSON.parse(found.stdout)).toMatchObject({ hits: [{ document: { name: "sea.pdf" } }] });
  });

  it("says what it lacks without a queue, and ends without a bucket", async () => {
    const { MAXLEAF_QUEUE, ...withoutQueue } = environment;
    const { ask } = await startService(withoutQueue);
    const problem = problemSchema.parse(await (await ask("GET", "/v1/tasks")).json());
    expect(problem).toMatchObject({
      status: 503,
      code: "queue_unavailable",
      detail: expect.stringContaining("--queue"),
    });
    const env = { ENCODER_SECRET: SECRET, MAXLEAF_QUEUE: MAXLEAF_QUEUE ?? "" };
    const { code, stderr } = await run(["encoder", "--port", "0"], env);
    expect(code).toBe(2);
    expect(stderr).toContain("--s3-bucket");
  });

  it("does not start with a list of hosts that is none", async () => {
    const env = { ...environment, MAXLEAF_URL_ALLOW: "https://files.example.com/path" };
    const { code, stderr } = await run(["encoder", "--port", "0"], env);
    expect(code).toBe(2);
    expect(stderr).toContain("MAXLEAF_URL_ALLOW");
  });
});
