/**
 * A real S3 server for tests: the endpoint of workerd's local R2 bucket.
 *
 * @module
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { unstable_startWorker as startWorker } from "wrangler";
import type { S3StoreOptions } from "../../encoder/storage/s3-store.ts";

/** `wrangler.toml` has the bucket's name and the endpoint's keys. */
const CONFIG_PATH = fileURLToPath(new URL("../../wrangler.toml", import.meta.url));
const BUCKET_WORKER = fileURLToPath(new URL("../../encoder/local/bucket-worker.js", import.meta.url));
const BUCKET_NAME = "maxleaf";
const CREDENTIALS = { accessKeyId: "local", secretAccessKey: "localsecret" };

export interface LocalBucket {
  /** What an `S3Store` needs to use the bucket. */
  options: S3StoreOptions & { endpoint: string };
  stop(): Promise<void>;
}

/** Starts an empty bucket on a free port. */
export async function startLocalBucket(): Promise<LocalBucket> {
  process.env["CLOUDFLARE_CF_FETCH_ENABLED"] = "false";
  process.env["WRANGLER_SEND_METRICS"] = "false";
  process.env["WRANGLER_SEND_ERROR_REPORTS"] = "false";
  const persist = await mkdtemp(join(tmpdir(), "maxleaf-bucket-"));
  const worker = await startWorker({
    config: CONFIG_PATH,
    entrypoint: BUCKET_WORKER,
    dev: { server: { hostname: "127.0.0.1", port: 0 }, persist, inspector: false, watch: false, logLevel: "none" },
  });
  const endpoint = new URL("/cdn-cgi/local/r2/s3", await worker.url).href;
  return {
    options: { bucket: BUCKET_NAME, endpoint, credentials: CREDENTIALS },
    async stop() {
      await worker.dispose();
      await rm(persist, { recursive: true, force: true });
    },
  };
}
