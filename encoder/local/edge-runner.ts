/**
 * The edge's own process: runs the worker in workerd through wrangler until the parent says stop or dies.
 *
 * A process of its own, because wrangler is 15 MB of code with global state and writes to stdout as it likes; and with
 * wrangler's API instead of `wrangler dev`, because the API takes secrets as values (no file, no argument that `ps`
 * shows) and ends workerd when this process ends, which it does as soon as the IPC channel closes: even after the
 * parent was killed with SIGKILL, nothing stays behind.
 *
 * @module
 */
import { unstable_DevEnv as DevEnv } from "wrangler";
import { LOOPBACK } from "./ports.ts";
import { startMessageSchema, type Reply, type StartMessage } from "./edge-messages.ts";

function reply(message: Reply): void {
  process.send?.(message);
}

function values(type: "plain_text" | "secret_text", record: Record<string, string>) {
  return Object.entries(record).map(([name, value]) => [name, { type, value }] as const);
}

/** The message of an error, or of the event that wrangler wraps around one. */
function reasonOf(event: unknown): string {
  if (event instanceof Error) return event.message;
  if (typeof event === "object" && event !== null && "cause" in event) return reasonOf(event.cause);
  return String(event);
}

async function startWorker(message: StartMessage) {
  const devEnv = new DevEnv();
  // The worker's `ready` only says that the proxy before it listens; a build that fails would never be heard of.
  const loaded = new Promise<void>((resolve, reject) => {
    devEnv.once("reloadComplete", () => resolve());
    for (const failure of ["buildFailed", "error"]) {
      devEnv.once(failure, (event: unknown) => reject(new Error(reasonOf(event))));
    }
  });
  const worker = await devEnv.startWorker({
    config: message.configPath,
    ...(message.entrypoint === undefined ? {} : { entrypoint: message.entrypoint }),
    bindings: Object.fromEntries([...values("plain_text", message.vars), ...values("secret_text", message.secrets)]),
    dev: {
      server: { hostname: LOOPBACK, port: message.port },
      persist: message.stateDir,
      inspector: false,
      watch: false,
      liveReload: false,
      remote: false,
      logLevel: message.verbose ? "info" : "warn",
    },
  });
  await Promise.all([loaded, worker.ready]);
  const url = await worker.url;
  reply({ url: url.href });
  return worker;
}

async function run(message: StartMessage): Promise<void> {
  let worker: { dispose(): Promise<void> } | undefined;
  process.once("message", () => {
    // Whether it is up already or not, workerd ends when this process exits by itself.
    if (worker === undefined) process.exit(0);
    void worker.dispose().finally(() => process.exit(0));
  });
  try {
    worker = await startWorker(message);
  } catch (error) {
    reply({ error: reasonOf(error) });
  }
}

process.on("disconnect", () => process.exit(0));
process.once("message", (message) => void run(startMessageSchema.parse(message)));
