/**
 * Starts and stops the edge's process (see `edge-runner.ts`) and turns its failures into one readable error.
 *
 * @module
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { MaxleafError } from "../../shared/errors.ts";
import type { DataDir } from "./data-dir.ts";
import { replySchema, type StartMessage } from "./edge-messages.ts";

/** The worker, and with it the bucket, are up in 1 to 4 s; a loaded machine takes several times that. */
const START_TIMEOUT_MS = 120_000;
/** After being asked to stop. workerd takes well below a second. */
const STOP_TIMEOUT_MS = 5_000;
/** Lines of the child's output kept for an error message. */
const LOG_TAIL_LINES = 30;

export const PROJECT_ROOT = fileURLToPath(new URL("../../", import.meta.url));

export interface EdgeOptions {
  dataDir: DataDir;
  /** `search`: the search worker. `bucket`: only the bucket that it reads. */
  worker: "search" | "bucket";
  port: number;
  vars?: Record<string, string>;
  secrets?: Record<string, string>;
  /** Wrangler's and the worker's own output, line by line; dropped when absent. */
  onLog?: ((line: string) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface EdgeProcess {
  /** Of the worker, without a slash at the end. */
  readonly url: string;
  /** Resolves when the process is gone, asked to or not, with the end of its output. */
  readonly exited: Promise<{ logTail: string }>;
  stop(): Promise<void>;
}

function environment(dataDir: DataDir): NodeJS.ProcessEnv {
  return {
    ...process.env,
    // Without these wrangler looks up addresses outside, which a machine without a network waits for.
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_SEND_ERROR_REPORTS: "false",
    // A stray .env of the current folder is none of the worker's business.
    CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV: "false",
    WRANGLER_LOG_PATH: dataDir.logs,
    WRANGLER_REGISTRY_PATH: join(dataDir.path, "registry"),
    // Its output is kept for error messages.
    FORCE_COLOR: "0",
    // The local bucket's S3 endpoint is experimental; its contract is held by test/conformance.
    WRANGLER_DISABLE_EXPERIMENTAL_WARNING: "true",
  };
}

/** The last lines of what a child writes, both streams together. */
function keepLogTail(child: ChildProcess, onLog: ((line: string) => void) | undefined): () => string {
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    let rest = "";
    stream?.setEncoding("utf8").on("data", (text: string) => {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      for (const line of parts) {
        lines.push(line);
        if (lines.length > LOG_TAIL_LINES) lines.shift();
        onLog?.(line);
      }
    });
  }
  return () => lines.join("\n").trim();
}

/** Resolves to the worker's address, or throws what the child said or that it died. */
async function awaitReply(child: ChildProcess, signal: AbortSignal): Promise<string> {
  const settled = new AbortController();
  const listening = { signal: AbortSignal.any([signal, settled.signal]) };
  try {
    const [message] = await Promise.race([
      once(child, "message", listening),
      once(child, "exit", listening).then(([code, by]) => [{ error: `it ended with ${by ?? `status ${code}`}` }]),
    ]);
    const reply = replySchema.parse(message);
    if ("error" in reply) throw new Error(reply.error);
    return reply.url.replace(/\/$/, "");
  } finally {
    settled.abort();
  }
}

/**
 * Starts the worker on the loopback interface and waits until it answers.
 * Errors: `internal` naming the cause and the end of the log; the signal's reason when it was aborted.
 */
export async function startEdge(options: EdgeOptions): Promise<EdgeProcess> {
  options.signal?.throwIfAborted();
  // Detached: Ctrl-C in a terminal goes to the whole process group, and would take the bucket away under an ingestion
  // that is about to finish its page. It ends with the IPC channel instead.
  const child = fork(join(import.meta.dirname, "edge-runner.ts"), [], {
    cwd: PROJECT_ROOT,
    env: environment(options.dataDir),
    detached: true,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const logTail = keepLogTail(child, options.onLog);
  const exited = once(child, "exit").then(() => {
    if (child.pid !== undefined) killGroup(child.pid);
    return { logTail: logTail() };
  });
  const message: StartMessage = {
    configPath: join(PROJECT_ROOT, "wrangler.toml"),
    ...(options.worker === "bucket" ? { entrypoint: join(import.meta.dirname, "bucket-worker.js") } : {}),
    port: options.port,
    stateDir: options.dataDir.state,
    vars: options.vars ?? {},
    secrets: options.secrets ?? {},
    verbose: options.onLog !== undefined,
  };
  child.send(message);
  const timeout = AbortSignal.timeout(START_TIMEOUT_MS);
  try {
    const url = await awaitReply(
      child,
      options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]),
    );
    return { url, exited, stop: () => stopChild(child) };
  } catch (cause) {
    await stopChild(child);
    options.signal?.throwIfAborted();
    const why = timeout.aborted
      ? `no answer within ${START_TIMEOUT_MS / 1000} s`
      : cause instanceof Error
        ? cause.message
        : String(cause);
    throw new MaxleafError("internal", `the edge worker did not start: ${why}\n${logTail()}`.trim(), { cause });
  }
}

/** Ends the process and all it started: it is the leader of a process group of its own. */
async function stopChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return;
  if (child.exitCode === null && child.signalCode === null) {
    const exited = once(child, "exit");
    const killer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    if (child.connected) child.send("stop");
    await exited;
    clearTimeout(killer);
  }
}

/** workerd ends with its parent only if that could tell it to. */
function killGroup(leaderPid: number): void {
  try {
    process.kill(-leaderPid, "SIGKILL");
  } catch {
    // Nothing of it is left, which is how it should be.
  }
}
