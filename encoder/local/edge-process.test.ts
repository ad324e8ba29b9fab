import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { S3Store } from "../storage/s3-store.ts";
import { type DataDir, openDataDir } from "./data-dir.ts";
import { PROJECT_ROOT, startEdge } from "./edge-process.ts";
import { LOCAL_BUCKET, localS3Endpoint } from "./local-bucket.ts";

let folder: string;
let dataDir: DataDir;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-edge-"));
  dataDir = await openDataDir(folder);
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

function bucketOf(edgeUrl: string): S3Store {
  const { name: bucket, accessKeyId, secretAccessKey } = LOCAL_BUCKET;
  return new S3Store({ bucket, endpoint: localS3Endpoint(edgeUrl), credentials: { accessKeyId, secretAccessKey } });
}

describe("startEdge", () => {
  it("keeps the bucket from one process to the next", async () => {
    const first = await startEdge({ dataDir, worker: "bucket", port: 0 });
    await bucketOf(first.url).put("kept", new TextEncoder().encode("by the first"));
    await first.stop();
    await expect(fetch(first.url)).rejects.toThrow("fetch failed");

    const second = await startEdge({ dataDir, worker: "bucket", port: 0 });
    const object = await bucketOf(second.url).get("kept");
    await second.stop();
    expect(new TextDecoder().decode(object?.bytes)).toBe("by the first");
  });

  it("says in one error why it did not start", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    const address = other.address();
    const port = typeof address === "object" ? (address?.port ?? 0) : 0;
    const started = startEdge({ dataDir, worker: "bucket", port });
    await expect(started).rejects.toMatchObject({
      code: "internal",
      message: expect.stringContaining("did not start"),
    });
    other.close();
  });

  it("gives up when it is interrupted", async () => {
    const signal = AbortSignal.abort(new Error("interrupted"));
    await expect(startEdge({ dataDir, worker: "bucket", port: 0, signal })).rejects.toThrow("interrupted");
  });
});

describe("LOCAL_BUCKET", () => {
  it("is what wrangler.toml says", async () => {
    const config = await readFile(join(PROJECT_ROOT, "wrangler.toml"), "utf8");
    expect(config).toContain(`bucket_name = "${LOCAL_BUCKET.name}"`);
    expect(config).toContain(`accessKeyId = "${LOCAL_BUCKET.accessKeyId}"`);
    expect(config).toContain(`secretAccessKey = "${LOCAL_BUCKET.secretAccessKey}"`);
  });
});
