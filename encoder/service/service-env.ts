/**
 * What every handler of the encoder service finds in its context.
 *
 * @module
 */
import type { Logger } from "pino";

export interface ServiceEnv {
  Variables: {
    requestId: string;
    /** Carries the request id. */
    log: Logger;
  };
}
