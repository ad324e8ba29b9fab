/**
 * Decides which bucket a command works on.
 *
 * @module
 */
import { MaxleafError, quote } from "../../shared/errors.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { type DataDir, openDataDir } from "../local/data-dir.ts";
import { startEdge } from "../local/edge-process.ts";
import { LOCAL_BUCKET, localS3Endpoint } from "../local/local-bucket.ts";
import { claimOrFindStack, type Owner } from "../local/owner.ts";
import { S3Store } from "../storage/s3-store.ts";
import type { CommandContext, GlobalOptions } from "./context.ts";

export interface OpenedStore<Store extends ObjectStore = ObjectStore> {
  store: Store;
  /** For people. */
  description: string;
  close(): Promise<void>;
}

/**
 * The S3 bucket of the options or the environment; else the local one: through the running `maxleaf start`, or through a
 * workerd process of this command's own.
 *
 * Errors: `invalid_request`, `store_unavailable`, `internal` when workerd does not start.
 */
export async function openStore(context: CommandContext, options: GlobalOptions, title: string): Promise<OpenedStore> {
  const opened = openRemote(context, options) ?? (await openLocal(context, options, title));
  if (options.verbose === true) context.terminal.err(`bucket: ${opened.description}\n`);
  return opened;
}

/** The S3 bucket of the options or the environment, if they name one. Errors: `invalid_request`. */
export function openRemote({ env }: CommandContext, options: GlobalOptions): OpenedStore<S3Store> | undefined {
  const endpoint = options.s3Endpoint ?? env["MAXLEAF_S3_ENDPOINT"];
  const bucket = options.s3Bucket ?? env["MAXLEAF_S3_BUCKET"];
  if (endpoint === undefined && bucket === undefined) return undefined;
  if (bucket === undefined) {
    throw new MaxleafError("invalid_request", "the S3 endpoint needs a bucket: give --s3-bucket or MAXLEAF_S3_BUCKET");
  }
  if (endpoint !== undefined && !URL.canParse(endpoint)) {
    throw new MaxleafError("invalid_request", `the S3 endpoint ${quote(endpoint)} is no URL`);
  }
  const store = new S3Store({ bucket, endpoint, region: env["AWS_REGION"] ?? "auto" });
  return { store, description: `${bucket} at ${endpoint ?? "AWS"}`, close: async () => store.close() };
}

/** The local bucket behind a worker at `edgeUrl`. */
export function openLocalBucket(edgeUrl: string): S3Store {
  const { name: bucket, accessKeyId, secretAccessKey } = LOCAL_BUCKET;
  const credentials = { accessKeyId, secretAccessKey };
  return new S3Store({ bucket, endpoint: localS3Endpoint(edgeUrl), region: "auto", credentials });
}

async function openLocal(context: CommandContext, options: GlobalOptions, title: string): Promise<OpenedStore> {
  const dataDir = await openDataDir(options.dataDir);
  const onWait = (owner: Owner) => context.terminal.err(waitNotice(owner));
  const claimant = { kind: "command", title } as const;
  const found = await claimOrFindStack(dataDir.owner, claimant, { signal: context.signal, onWait });
  if ("claim" in found) return await openOwn(context, options, dataDir, found.claim);
  const { pid, title: running, edgeUrl } = found.stack;
  const store = openLocalBucket(edgeUrl);
  const description = `${dataDir.path}, through ${running} (process ${pid}) at ${edgeUrl}`;
  return { store, description, close: async () => store.close() };
}

/** What a command says that has to wait for `owner`. */
export function waitNotice(owner: Owner): string {
  return `waiting until ${owner.title} (process ${owner.pid}) ${owner.kind === "stack" ? "has started" : "is done"}\n`;
}

async function openOwn(
  context: CommandContext,
  options: GlobalOptions,
  dataDir: DataDir,
  claim: { release(): Promise<void> },
): Promise<OpenedStore> {
  try {
    const onLog = options.verbose === true ? (line: string) => context.terminal.err(`${line}\n`) : undefined;
    const edge = await startEdge({ dataDir, worker: "bucket", port: 0, onLog, signal: context.signal });
    const store = openLocalBucket(edge.url);
    const close = async () => {
      store.close();
      await edge.stop();
      await claim.release();
    };
    return { store, description: `${dataDir.path}, opened by this command`, close };
  } catch (error) {
    await claim.release();
    throw error;
  }
}
