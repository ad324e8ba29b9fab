/**
 * A folder of its own for a test file, with a local bucket in it behind a real S3 endpoint.
 *
 * @module
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDataDir } from "../../../encoder/local/data-dir.ts";
import { startEdge } from "../../../encoder/local/edge-process.ts";
import { LOCAL_BUCKET, localS3Endpoint } from "../../../encoder/local/local-bucket.ts";

export interface TestBucket {
  folder: string;
  edgeUrl: string;
  /** What leads the command line to it. */
  env: Readonly<Record<string, string>>;
  /** Ends it and removes the folder. */
  close: () => Promise<void>;
}

/** @param name of the folder, for people who find one left behind. */
export async function openTestBucket(name: string): Promise<TestBucket> {
  const folder = await mkdtemp(join(tmpdir(), `maxleaf-${name}-`));
  const edge = await startEdge({ dataDir: await openDataDir(join(folder, "data")), worker: "bucket", port: 0 });
  return {
    folder,
    edgeUrl: edge.url,
    env: bucketEnvOf(edge.url),
    close: async () => {
      await edge.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The environment that leads the command line to the local bucket behind `edgeUrl`. */
export function bucketEnvOf(edgeUrl: string): Record<string, string> {
  return {
    MAXLEAF_S3_ENDPOINT: localS3Endpoint(edgeUrl),
    MAXLEAF_S3_BUCKET: LOCAL_BUCKET.name,
    AWS_ACCESS_KEY_ID: LOCAL_BUCKET.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_BUCKET.secretAccessKey,
  };
}
