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
  /** For documents that are sent over HTTP; see `RunIngestOptions.ocrLanguage`. */
  taskOcrLanguage?: string | undefined;
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
  const [{ startStack }, { openDataDir }, { openLocalBucket, waitNotice }, { readManifests }, { StackTasks }] =
    await Promise.all([
      import("../local/stack.ts"),
      import("../local/data-dir.ts"),
      import("./open-store.ts"),
      import("./index-access.ts"),
      import("./stack-tasks.ts"),
    ]);
  const dataDir = await openDataDir(options.dataDir);
  const modelOptions = loadOptionsOf(options, context);
  const tasks = new StackTasks(context, { dataDir, modelOptions, ocrLanguage: options.taskOcrLanguage });
  terminal.err("starting the encoder and the edge worker …\n");
  try {
    const stack = await startStack({
      dataDir,
      title,
      port: options.port,
      encoderPort: options.encoderPort,
      encoder: options.encoder,
      encoderTimeoutMs: context.env["ENCODER_TIMEOUT_MS"],
      modelOptions,
      preload: options.recipe === undefined ? undefined : [options.recipe],
      openAdmin: (edgeUrl) => tasks.openAdmin(edgeUrl),
      signal,
      onWait: (owner) => terminal.err(waitNotice(owner)),
      ...(options.verbose === true && { onLog: (line: string) => terminal.err(`${line}\n`) }),
    });
    const store = openLocalBucket(stack.url);
    // An encoder elsewhere has a bucket and workers of its own.
    const hasTasks = options.encoder === undefined;
    const run = async () => {
      if (hasTasks) await tasks.start(store);
      await work({ url: stack.url, store });
      if (signal.aborted) return;
      terminal.out(welcome(stack.url, await readManifests(store), hasTasks ? dataDir.adminKey : undefined));
      await once(signal, "abort");
    };
    try {
      await Promise.race([run(), stack.failure, tasks.failure]);
      terminal.err("stopping …\n");
    } finally {
      await tasks.stop();
      store.close();
      await stack.close();
    }
  } finally {
    tasks.close();
  }
}

function welcome(url: string, manifests: readonly Manifest[], adminKey: string | undefined): string {
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
${adminKey === undefined ? "" : overHttp(url, index, adminKey)}
  Ctrl-C stops it.

`;
}

function overHttp(url: string, index: string, adminKey: string): string {
  return `  Or over HTTP, with the key in ${adminKey}:
    curl -s '${url}/v1/indexes/${index}/documents?name=FILE.pdf' \\
      -H "Authorization: Bearer $(cat '${adminKey}')" --data-binary @FILE.pdf
`;
}
