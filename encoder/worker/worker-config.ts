/**
 * The worker's queue and source buckets, from its options and the environment.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { MaxleafError, quote } from "../../shared/errors.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { CloudflareQueue } from "../queue/cloudflare-queue.ts";
import { LocalQueue } from "../queue/local-queue.ts";
import type { DeadLetter, JobQueue } from "../queue/queue.ts";
import { SqsQueue } from "../queue/sqs-queue.ts";
import { FolderStore } from "../storage/folder-store.ts";
import { S3Store } from "../storage/s3-store.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Below the data folder. */
const QUEUE_FILE = "queue.sqlite";
const SET_ASIDE_FOLDER = "set-aside";

/**
 * `sqlite:PATH`, `sqs:URL`, `cf:ACCOUNT/QUEUE`, or, without any, the file in the data folder. What Cloudflare's queue, or one
 * of SQS without a dead-letter queue, gives up is kept as files in the data folder.
 *
 * Errors: `invalid_request`, `queue_unavailable`, `unsupported_format_version`.
 */
export function openQueue(address: string | undefined, dataDir: string, env: Environment): JobQueue {
  if (address === undefined) return LocalQueue.open(join(dataDir, QUEUE_FILE));
  const [scheme] = address.split(":", 1);
  const rest = address.slice((scheme ?? "").length + 1);
  if (scheme === "sqlite" && rest !== "") return LocalQueue.open(rest);
  const setAside = async (letter: DeadLetter) => await writeDeadLetter(join(dataDir, SET_ASIDE_FOLDER), letter);
  if (scheme === "sqs" && rest !== "") return new SqsQueue({ url: rest, region: env["AWS_REGION"], setAside });
  if (scheme === "cf" && rest.includes("/")) {
    const [accountId = "", queueId = ""] = rest.split("/", 2);
    return new CloudflareQueue({ accountId, queueId, token: env["CLOUDFLARE_API_TOKEN"] ?? "", setAside });
  }
  const forms = "sqlite:PATH, sqs:URL or cf:ACCOUNT/QUEUE";
  throw new MaxleafError("invalid_request", `${quote(address)} is no queue: write ${forms}`);
}

/** A file by the message's id, which is there whole when this returns. */
export async function writeDeadLetter(folder: string, letter: DeadLetter): Promise<void> {
  await mkdir(folder, { recursive: true });
  // The id is the queue's, not ours.
  const file = `${letter.id.replace(/[^A-Za-z0-9-]/g, "_")}.json`;
  await writeFile(join(folder, file), `${JSON.stringify(letter, undefined, 2)}\n`, { flush: true });
}

export interface SourceOptions {
  /** Buckets are the folders below this one. */
  folder?: string | undefined;
  /** Of a service that is not AWS. */
  endpoint?: string | undefined;
}

/**
 * The source buckets by name: of S3, with `MAXLEAF_SOURCE_*` where their account is not that of the index's bucket, or
 * folders.
 *
 * Errors: `invalid_request` for an endpoint that is no URL, or half a pair of keys.
 */
export function openSources({ folder, endpoint }: SourceOptions, env: Environment) {
  const opened = new Map<string, ObjectStore & { close?(): void }>();
  const credentials = credentialsOf(env);
  const region = env["MAXLEAF_SOURCE_REGION"] ?? env["AWS_REGION"];
  if (endpoint !== undefined && !URL.canParse(endpoint)) {
    throw new MaxleafError("invalid_request", `the source endpoint ${quote(endpoint)} is no URL`);
  }
  const open = (bucket: string) =>
    folder === undefined
      ? new S3Store({ bucket, endpoint, region, credentials })
      : new FolderStore(join(folder, bucket));
  return {
    /** Errors: `store_unavailable` for a folder that is not there: its objects must not be taken for deleted ones. */
    source: (bucket: string): ObjectStore => {
      if (folder !== undefined && !existsSync(join(folder, bucket))) {
        throw new MaxleafError("store_unavailable", `there is no folder ${quote(join(folder, bucket))}`);
      }
      const store = opened.get(bucket) ?? open(bucket);
      opened.set(bucket, store);
      return store;
    },
    close: () => opened.forEach((store) => store.close?.()),
  };
}

function credentialsOf(env: Environment) {
  const accessKeyId = env["MAXLEAF_SOURCE_ACCESS_KEY_ID"];
  const secretAccessKey = env["MAXLEAF_SOURCE_SECRET_ACCESS_KEY"];
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined;
  if (accessKeyId !== undefined && secretAccessKey !== undefined) return { accessKeyId, secretAccessKey };
  const both = "MAXLEAF_SOURCE_ACCESS_KEY_ID and MAXLEAF_SOURCE_SECRET_ACCESS_KEY";
  throw new MaxleafError("invalid_request", `give ${both}, or neither`);
}
