/**
 * The folder that holds everything a local Maxleaf keeps: the bucket, who is using it, logs.
 *
 * @module
 */
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { MaxleafError, quote } from "../../shared/errors.ts";

/** In the current folder, unless `--data-dir` or `MAXLEAF_DATA_DIR` says otherwise. */
export const DEFAULT_DATA_DIR = ".maxleaf";

/** Absolute paths inside a data folder. */
export interface DataDir {
  path: string;
  /** The local bucket, kept by workerd. */
  state: string;
  /** The process that uses the bucket now. */
  owner: string;
  /** What writing over HTTP needs; see admin-key.ts. */
  adminKey: string;
  /** What was asked for over HTTP and is not done. */
  taskQueue: string;
  logs: string;
}

/** The data folder at `path`, created when absent. Errors: `invalid_request` when it cannot be. */
export async function openDataDir(path: string): Promise<DataDir> {
  const absolute = resolve(path);
  const dataDir: DataDir = {
    path: absolute,
    state: join(absolute, "state"),
    owner: join(absolute, "server.json"),
    adminKey: join(absolute, "admin-key"),
    taskQueue: join(absolute, "tasks.sqlite"),
    logs: join(absolute, "logs"),
  };
  try {
    await mkdir(dataDir.state, { recursive: true });
    await mkdir(dataDir.logs, { recursive: true });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new MaxleafError("invalid_request", `the data folder ${quote(absolute)} cannot be created: ${why}`, {
      cause,
    });
  }
  return dataDir;
}
