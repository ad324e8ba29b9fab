/**
 * Runs the real command line in processes of its own.
 *
 * @module
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const COMMAND = fileURLToPath(new URL("../../../encoder/bin/maxleaf.mjs", import.meta.url));

/** Longest a command may take. Generous: a loaded machine takes ten times what an idle one does. */
const COMMAND_TIMEOUT_MS = 170_000;
const POLL_MS = 200;

/** A setting of the machine that runs the tests must not reach them. */
const CLEAN_ENVIRONMENT = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(MAXLEAF|AWS|ENCODER|HF_|FORCE_COLOR)/.test(name)),
);

export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  child: ChildProcess;
  pid: number;
  /** What it has printed so far, both streams. */
  output(): string;
  finished: Promise<Finished>;
}

/** Starts `maxleaf` with `args`. */
export function start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  const child = spawn(process.execPath, [COMMAND, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...CLEAN_ENVIRONMENT, ...env },
  });
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
    });
  }
  const finished = once(child, "close").then(() => ({ code: child.exitCode, ...texts }));
  if (child.pid === undefined) throw new Error("maxleaf could not be started");
  return { child, pid: child.pid, output: () => texts.stdout + texts.stderr, finished };
}

/** Runs `maxleaf` with `args` to its end. */
export async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Finished> {
  const running = start(args, env);
  const killer = setTimeout(() => running.child.kill("SIGKILL"), COMMAND_TIMEOUT_MS);
  const finished = await running.finished;
  clearTimeout(killer);
  return finished;
}

/** Waits until `check` gives something; fails with what `running` printed when it ends or time is up before. */
export async function until<T>(
  running: Running,
  check: () => Promise<T | undefined>,
  timeoutMs = COMMAND_TIMEOUT_MS,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    const found = await check().catch(() => undefined);
    if (found !== undefined) return found;
    if (running.child.exitCode !== null) break;
    await sleep(POLL_MS);
  }
  throw new Error(`it did not come to that:\n${running.output()}`);
}

/** The ids of a process and all that it started, directly or not. */
export async function processTree(pid: number): Promise<number[]> {
  const { stdout } = await promisify(execFile)("ps", ["-A", "-o", "pid=,ppid="]);
  const parents = stdout
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  const tree = [pid];
  for (const parent of tree) {
    for (const [child, of] of parents) if (of === parent && child !== undefined) tree.push(child);
  }
  return tree;
}

/** Those of `pids` that still run after waiting for them to end. */
export async function survivors(pids: readonly number[], timeoutMs = 10_000): Promise<number[]> {
  const deadline = Date.now() + timeoutMs;
  let alive = pids.filter(isRunning);
  while (alive.length > 0 && Date.now() < deadline) {
    await sleep(POLL_MS);
    alive = alive.filter(isRunning);
  }
  return alive;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
