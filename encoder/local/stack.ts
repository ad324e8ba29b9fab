/**
 * The local stack: encoder service, edge worker and bucket, started and stopped together.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { pino } from "pino";
import { MaxleafError, quote } from "../../shared/errors.ts";
import type { AdminServices } from "../admin/admin-services.ts";
import type { LoadOptions } from "../models/model.ts";
import { startEncoderService } from "../service/start-service.ts";
import { readAdminKey } from "./admin-key.ts";
import type { DataDir } from "./data-dir.ts";
import { type EdgeProcess, startEdge } from "./edge-process.ts";
import { claimOrFindStack, type Owner } from "./owner.ts";
import { choosePort, DEFAULT_EDGE_PORT, DEFAULT_ENCODER_PORT, LOOPBACK } from "./ports.ts";

/** Bits of chance in the secret that edge and encoder share for one run. */
const SECRET_BYTES = 32;

/**
 * Milliseconds that the local worker waits for question vectors: more than a deployment's 8 s, since the first question loads the model,
 * and a large one takes seconds for each on a laptop's CPU. Ours.
 */
const LOCAL_ENCODER_TIMEOUT_MS = 20_000;

export interface StackOptions {
  dataDir: DataDir;
  /** What runs, for commands that find or wait for it. */
  title: string;
  /** Default: the usual ports, or any free ones when those are taken. */
  port?: number | undefined;
  encoderPort?: number | undefined;
  /** An encoder service that runs elsewhere, instead of one of our own. */
  encoder?: { url: string; secret: string } | undefined;
  /** See docs/deploy.md; default {@link LOCAL_ENCODER_TIMEOUT_MS}. */
  encoderTimeoutMs?: string | undefined;
  /** Where models are and where they run, for our own encoder service. */
  modelOptions?: LoadOptions | undefined;
  /** Recipes that it loads before it answers. */
  preload?: readonly string[] | undefined;
  /**
   * What our own encoder service writes with, over the bucket of the worker at `edgeUrl`, which does not answer yet. Absent:
   * nothing is written over HTTP.
   */
  openAdmin?: ((edgeUrl: string) => AdminServices) | undefined;
  signal: AbortSignal;
  onWait: (owner: Owner) => void;
  onLog?: ((line: string) => void) | undefined;
}

export interface Stack {
  /** Of the search page and the API. */
  url: string;
  encoderUrl: string;
  /** Rejects when the worker ends without being asked to. */
  failure: Promise<never>;
  close(): Promise<void>;
}

/**
 * Starts the stack on the loopback interface.
 * Errors: `invalid_request` when one runs on the data folder already or a port is taken; `internal` when the worker does
 * not start.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { dataDir, title, signal, onWait } = options;
  const found = await claimOrFindStack(dataDir.owner, { kind: "stack", title }, { signal, onWait });
  if ("stack" in found) {
    const { title: running, pid, edgeUrl } = found.stack;
    const message = `${running} (process ${pid}) already uses ${quote(dataDir.path)}: open ${edgeUrl}, or stop it first`;
    throw new MaxleafError("invalid_request", message);
  }
  const closers: (() => Promise<void>)[] = [() => found.claim.release()];
  const close = async () => {
    for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) await closer();
  };
  try {
    const port = await choosePort(options.port, DEFAULT_EDGE_PORT);
    const admin = options.encoder === undefined ? options.openAdmin?.(`http://${LOOPBACK}:${port}`) : undefined;
    const encoder = options.encoder ?? (await startOwnEncoder(options, admin, closers));
    const adminKey = admin === undefined ? {} : { ADMIN_KEY: await readAdminKey(dataDir) };
    const edge = await startEdge({
      dataDir,
      worker: "search",
      port,
      vars: {
        ENCODER_URL: encoder.url,
        ENCODER_TIMEOUT_MS: options.encoderTimeoutMs ?? String(LOCAL_ENCODER_TIMEOUT_MS),
      },
      secrets: { ENCODER_SECRET: encoder.secret, ...adminKey },
      onLog: options.onLog,
      signal,
    });
    let closing = false;
    closers.push(async () => {
      closing = true;
      await edge.stop();
    });
    await found.claim.publish({ edgeUrl: edge.url, encoderUrl: encoder.url });
    return { url: edge.url, encoderUrl: encoder.url, failure: failureOf(edge, () => closing), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startOwnEncoder(
  { dataDir, encoderPort, modelOptions, preload }: StackOptions,
  admin: AdminServices | undefined,
  closers: (() => Promise<void>)[],
) {
  const secret = randomBytes(SECRET_BYTES).toString("base64url");
  const port = await choosePort(encoderPort, DEFAULT_ENCODER_PORT);
  // Beside the terminal's progress bars, a line per request would be noise.
  const logger = pino({ name: "maxleaf-encoder" }, pino.destination(join(dataDir.logs, "encoder.log")));
  const service = await startEncoderService({ port, host: LOOPBACK, secret, logger, modelOptions, preload, admin });
  closers.push(() => service.close());
  return { url: service.url, secret };
}

/** Pending for ever when the end was asked for. */
async function failureOf(edge: EdgeProcess, isClosing: () => boolean): Promise<never> {
  const { logTail } = await edge.exited;
  if (isClosing()) return await new Promise<never>(() => undefined);
  throw new MaxleafError("internal", `the edge worker ended by itself\n${logTail}`.trim());
}
