/**
 * `/metrics` over HTTP, for a process that serves nothing else.
 *
 * @module
 */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { MaxleafError } from "../../shared/errors.ts";
import { exposition } from "./registry.ts";

/** A reader that takes longer is cut off. */
const REQUEST_TIMEOUT_MS = 10_000;

export interface MetricsServer {
  /** `http://127.0.0.1:9464/metrics`. */
  url: string;
  close(): Promise<void>;
}

/**
 * Serves `GET /metrics` without a secret: the numbers name no document, index or caller. Whoever lets it listen on more than
 * the loopback interface shows the load of the process to that network.
 *
 * @param port - 0 takes any free one.
 *
 * Errors: `invalid_request` when the port cannot be had.
 */
export async function serveMetrics(port: number, host = "127.0.0.1"): Promise<MetricsServer> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://metrics");
    if (pathname !== "/metrics") response.writeHead(404).end();
    else if (request.method !== "GET" && request.method !== "HEAD")
      response.writeHead(405, { allow: "GET, HEAD" }).end();
    else void answer(response);
  });
  server.listen({ host, port });
  try {
    await once(server, "listening");
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new MaxleafError("invalid_request", `metrics cannot be served on ${host}:${port}: ${why}`, { cause });
  }
  const address = server.address();
  const bound = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}/metrics`,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(response: ServerResponse): Promise<void> {
  try {
    const { contentType, body } = await exposition();
    // Node leaves the body of an answer to HEAD out by itself.
    response.writeHead(200, { "content-type": contentType, "content-length": Buffer.byteLength(body) }).end(body);
  } catch {
    if (!response.headersSent) response.writeHead(500);
    response.end();
  }
}
