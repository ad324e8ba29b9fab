/**
 * The bindings that tests see.
 *
 * @module
 */
import type { Env } from "../env.ts";

declare global {
  namespace Cloudflare {
    // oxlint-disable-next-line typescript/no-empty-interface, typescript/no-empty-object-type -- declaration merging
    interface Env extends EdgeBindings {}
  }
}

type EdgeBindings = Env;
