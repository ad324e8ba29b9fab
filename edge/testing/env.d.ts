/**
 * The bindings and the entry that tests see.
 *
 * @module
 */
import type { Env } from "../env.ts";
import type * as worker from "../worker.ts";

type EdgeBindings = Env;

declare global {
  namespace Cloudflare {
    // oxlint-disable-next-line typescript/no-empty-interface, typescript/no-empty-object-type -- declaration merging
    interface Env extends EdgeBindings {}
    interface GlobalProps {
      mainModule: typeof worker;
    }
  }
}
