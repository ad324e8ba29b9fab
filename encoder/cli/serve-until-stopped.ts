/**
 * Runs the local stack until Ctrl-C: what `start` and `serve` have in common.
 *
 * @module
 */
import { once } from "node:events";
import type { Manifest } from "../../shared/format/manifest.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import type { CommandContext, GlobalOptions } from "./context.ts";
import { loadOptionsOf } from "./load-options.ts";

export interface ServeOptions extends GlobalOptions {
  port?: number;
  encoderPort?: number;
  /** What the encoder loads before it answers, so that a missing model is known at once. Default: the default recipe. */
  recipe?: string | undefined;
  encoder?: { url: string; secret: string };
}

/** A running stack with its bucket. */
export interface ServedStack {
  url: string;
  store: ObjectStore;
}

/**
 * Starts the stack, does `work` on it, says where it is and waits for Ctrl-C. Ends well when it was stopped, in the
 * middle of `work` too.
 *
 * Errors: those of `startStack` and `work`; `internal` when the worker ends by itself.
 */
export async function serveUntilStopped(
  context: CommandContext,
  options: ServeOptions,
  title: string,
  work: (stack: ServedStack) => Promise<void>,
): Promise<void> {
  const { terminal, signal } = context;
  const [{ startStack }, { openDataDir }, { openLocalBucket, waitNotice }, { readManifests }] = await Promise.all([
    import("../local/stack.ts"),
    import("../local/data-dir.ts"),
    import("./open-store.ts"),
    import("./index-access.ts"),
  ]);
  terminal.err("starting the encoder and the edge worker …\n");
  const stack = await startStack({
    dataDir: await openDataDir(options.dataDir),
    title,
    port: options.port,
    encoderPort: options.encoderPort,
    encoder: options.encoder,
    modelOptions: loadOptionsOf(options, context.env),
    preload: options.recipe === undefined ? undefined : [options.recipe],
    signal,
    onWait: (owner) => terminal.err(waitNotice(owner)),
    ...(options.verbose === true && { onLog: (line: string) => terminal.err(`${line}\n`) }),
  });
  const store = openLocalBucket(stack.url);
  const run = async () => {
    await work({ url: stack.url, store });
    if (signal.aborted) return;
    terminal.out(welcome(stack.url, await readManifests(store)));
    await once(signal, "abort");
  };
  try {
    await Promise.race([run(), stack.failure]);
    terminal.err("stopping …\n");
  } finally {
    store.close();
    await stack.close();
  }
}

function welcome(url: string, manifests: readonly Manifest[]): string {
  const indexes = manifests.map(({ index }) => index);
  const index = indexes[0] ?? "NAME";
  return `
  Maxleaf is running: open ${url}

  Indexes: ${indexes.length === 0 ? "none yet" : indexes.join(", ")}

  Search from a shell:
    curl -s ${url}/v1/indexes/${index}/search \\
      -H 'content-type: application/json' -d '{"query": "your question", "k": 3}'
  Add documents:
    npx maxleaf ingest <files or folders> --index ${index}

  Ctrl-C stops it.

`;
}
