/**
 * Moto, a server that speaks the protocols of S3 and SQS, notifications from buckets to queues included. It is a Python
 * package: installed once into a virtual environment below the user's cache folder, which later runs use.
 *
 * @module
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

const MOTO_VERSION = "5.2.5";
const REQUIREMENT = `moto[server,s3,sqs]==${MOTO_VERSION}`;
/** Measured: 209 s on two loaded cores with an empty cache of pip's. */
const INSTALL_TIMEOUT_MS = 900_000;
const START_TIMEOUT_MS = 60_000;

export interface MotoServer {
  url: string;
  stop(): Promise<void>;
}

/** Why the integration tests cannot run here. */
export class MotoUnavailable extends Error {}

/** Starts a server on a free port, installing it first when needed. Errors: {@link MotoUnavailable}. */
export async function startMoto(): Promise<MotoServer> {
  const python = await installMoto();
  const port = await freePort();
  const server = spawn(python, ["-m", "moto.server", "-H", "127.0.0.1", "-p", String(port)], { stdio: "ignore" });
  const url = `http://127.0.0.1:${port}`;
  const stop = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const exit = once(server, "exit");
    server.kill("SIGKILL");
    await exit;
  };
  try {
    await untilReady(url, server);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, stop };
}

/** The Python of the environment that has moto. */
async function installMoto(): Promise<string> {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const folder = join(cache, "maxleaf", `moto-${MOTO_VERSION}`);
  const python = join(folder, "bin", "python");
  if (existsSync(join(folder, "maxleaf-complete"))) return python;
  try {
    await run("python3", ["-m", "venv", "--help"]);
  } catch (cause) {
    throw new MotoUnavailable("they need python3 with venv, which is not here", { cause });
  }
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(join(cache, "maxleaf"), { recursive: true });
    await run("python3", ["-m", "venv", folder]);
    await run(python, ["-m", "pip", "install", "--quiet", REQUIREMENT], { timeout: INSTALL_TIMEOUT_MS });
    // Last: an environment without it was not finished.
    await mkdir(join(folder, "maxleaf-complete"));
  } catch (cause) {
    throw new MotoUnavailable(`${REQUIREMENT} could not be installed: ${String(cause)}`, { cause });
  }
  return python;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("a listening server has no port");
  return address.port;
}

async function untilReady(url: string, server: ChildProcess): Promise<void> {
  const untilMs = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < untilMs) {
    if (server.exitCode !== null) throw new MotoUnavailable(`moto ended with status ${server.exitCode}`);
    const response = await fetch(`${url}/moto-api/data.json`).catch(() => undefined);
    if (response?.ok === true) return;
    await sleep(100);
  }
  throw new MotoUnavailable(`moto did not answer within ${START_TIMEOUT_MS} ms`);
}
