/**
 * Runs a command's work on an open bucket and closes it whatever happens.
 *
 * @module
 */
import type { ObjectStore } from "../../shared/store/object-store.ts";
import type { CommandContext, GlobalOptions } from "./context.ts";

/** @param title - What runs, for other commands that wait for it: `maxleaf ingest`. */
export async function withStore(
  context: CommandContext,
  options: GlobalOptions,
  title: string,
  work: (store: ObjectStore) => Promise<void>,
): Promise<void> {
  // Loaded here and not above: a request for help must not wait for the S3 client.
  const { openStore } = await import("./open-store.ts");
  const opened = await openStore(context, options, title);
  try {
    await work(opened.store);
  } finally {
    await opened.close();
  }
}
