/**
 * Runs a command's work on an open bucket and closes it whatever happens.
 *
 * @module
 */
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { abortable } from "./abortable.ts";
import type { CommandContext, GlobalOptions } from "./context.ts";

export interface StoreWork extends GlobalOptions {
  /** What runs, for other commands that wait for it: `maxleaf ingest`. */
  title: string;
  /** The work heeds the context's signal and must be let end; other work is dropped at Ctrl-C. */
  endsItself?: boolean;
}

/** Opens the bucket, does `work` on it, closes it. Errors: those of `openStore` and of `work`; `Interrupted`. */
export async function withStore(
  context: CommandContext,
  options: StoreWork,
  work: (store: ObjectStore) => Promise<void>,
): Promise<void> {
  // Loaded here and not above: a request for help must not wait for the S3 client.
  const { openStore } = await import("./open-store.ts");
  const opened = await openStore(context, options, options.title);
  try {
    await (options.endsItself === true ? work(opened.store) : abortable(work(opened.store), context.signal));
  } finally {
    await opened.close();
  }
}
