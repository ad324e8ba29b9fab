/**
 * Starts and stops the encoder service.
 *
 * @module
 */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { type Logger, pino } from "pino";
import { MaxleafError } from "../../shared/errors.ts";
import type { AdminServices } from "../admin/admin-services.ts";
import type { LoadOptions } from "../models/model.ts";
import { DEFAULT_RECIPE } from "../models/registry.ts";
import type { AdmissionLimits } from "./admission.ts";
import { createEncoderApp } from "./app.ts";
import { LocalQueryEncoder } from "./query-encoder.ts";

/**
 * One at a time, because a model runs one window at a time with all its threads; a queue of 128 is gone in 1 to 2 s at
 * 10 ms a question, well before the edge gives up.
 */
const DEFAULT_LIMITS: AdmissionLimits = { concurrency: 1, maxWaiting: 128 };

const USABLE_SECRET = /^[\x21-\x7e]+$/;

/** A request that trickles in for longer is cut off: a question, and, where documents are sent here, the largest body. */
const REQUEST_TIMEOUT_MS = 10_000;
const UPLOAD_TIMEOUT_MS = 10 * 60_000;

/** Requests under way get this long to end when the service stops. */
const SHUTDOWN_GRACE_MS = 5_000;

export interface EncoderServiceOptions {
  /** 0 takes any free one. */
  port: number;
  /** Default: the loopback interface only. */
  host?: string | undefined;
  /** What callers must present. */
  secret: string;
  threads?: number | undefined;
  /** Where models are and where they run. */
  modelOptions?: LoadOptions | undefined;
  /** Recipes to load before the service says that it listens; the others load at their first question. */
  preload?: readonly string[] | undefined;
  limits?: AdmissionLimits | undefined;
  /** See `EncoderAppOptions.admin`. */
  admin?: AdminServices | undefined;
  /** Default: JSON lines on standard error. */
  logger?: Logger | undefined;
}

export interface EncoderService {
  /** `http://127.0.0.1:8788` */
  url: string;
  /** Takes no new requests, lets those under way end, frees the models. */
  close(): Promise<void>;
}

/**
 * Starts the service and loads the default recipe.
 *
 * Errors: `invalid_request` for an unusable secret or a port that cannot be had; those of loading a model.
 */
export async function startEncoderService(options: EncoderServiceOptions): Promise<EncoderService> {
  const { host = "127.0.0.1", port, secret, threads, preload = [DEFAULT_RECIPE], limits = DEFAULT_LIMITS } = options;
  if (!USABLE_SECRET.test(secret)) {
    throw new MaxleafError(
      "invalid_request",
      "the encoder's secret must be printable ASCII without spaces, because it travels in a header, and not empty",
    );
  }
  const logger = options.logger ?? pino({ name: "maxleaf-encoder" }, pino.destination(process.stderr.fd));

  const encoder = new LocalQueryEncoder({ ...options.modelOptions, threads });
  try {
    await Promise.all(preload.map((recipe) => encoder.preload(recipe)));
    const { admin } = options;
    const app = createEncoderApp({ encoder, secret, logger, limits, admin });
    // The listener of @hono/node-server without its `serve`, which does not say when a port cannot be had.
    const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
    const requestTimeout = admin === undefined ? REQUEST_TIMEOUT_MS : UPLOAD_TIMEOUT_MS;
    const server = createServer({ requestTimeout }, (incoming, outgoing) => {
      // Once the server stops, a connection goes with its last answer instead of being kept alive.
      outgoing.once("close", () => {
        if (!server.listening) server.closeIdleConnections();
      });
      void listener(incoming, outgoing);
    });
    const url = await listen(server, host, port);
    logger.info({ url, preload }, "listening");
    return { url, close: () => stop(server, encoder, logger) };
  } catch (error) {
    await encoder.dispose();
    throw error;
  }
}

async function listen(server: Server, host: string, port: number): Promise<string> {
  server.listen({ host, port });
  try {
    await once(server, "listening");
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new MaxleafError("invalid_request", `the encoder cannot listen on ${host}:${port}: ${why}`, { cause });
  }
  const address = server.address();
  const bound = typeof address === "object" && address !== null ? address.port : port;
  return `http://${host.includes(":") ? `[${host}]` : host}:${bound}`;
}

async function stop(server: Server, encoder: LocalQueryEncoder, logger: Logger): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  const cutOff = setTimeout(() => server.closeAllConnections(), SHUTDOWN_GRACE_MS);
  await closed;
  clearTimeout(cutOff);
  await encoder.dispose();
  logger.info("stopped");
}
