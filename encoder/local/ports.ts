/**
 * Picking TCP ports on the loopback interface.
 *
 * @module
 */
import { createServer } from "node:net";
import { MaxleafError } from "../../shared/errors.ts";

export const LOOPBACK = "127.0.0.1";

/** wrangler's own default, and the port after it. */
export const DEFAULT_EDGE_PORT = 8787;
export const DEFAULT_ENCODER_PORT = 8788;

/** Whether something could listen on `port` now; 0 asks for any free port. Resolves to the port, or undefined. */
function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(undefined));
    probe.listen({ port, host: LOOPBACK, exclusive: true }, () => {
      const address = probe.address();
      const found = address !== null && typeof address === "object" ? address.port : undefined;
      probe.close(() => resolve(found));
    });
  });
}

/**
 * A port to listen on: `asked` if somebody asked for it, else `preferred`, else any free one.
 * Errors: `invalid_request` when `asked` is taken; a default that is taken is no error.
 */
export async function choosePort(asked: number | undefined, preferred: number): Promise<number> {
  const port = await tryPort(asked ?? preferred);
  if (port !== undefined) return port;
  if (asked !== undefined) throw new MaxleafError("invalid_request", `port ${asked} is already in use`);
  const free = await tryPort(0);
  if (free === undefined) throw new MaxleafError("internal", `no free port on ${LOOPBACK}`);
  return free;
}
