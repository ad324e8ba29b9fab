/**
 * `maxleaf encoder`: the encoder service alone. What the container runs.
 *
 * @module
 */
import { once } from "node:events";
import type { Command } from "commander";
import { MaxleafError } from "../../../shared/errors.ts";
import { DEFAULT_ENCODER_PORT } from "../../local/ports.ts";
import type { LoadOptions } from "../../models/model.ts";
import type { CommandContext, GlobalOptions } from "../context.ts";
import { loadOptionsOf } from "../load-options.ts";
import { integer, list, portNumber } from "../option-values.ts";

interface Options extends GlobalOptions {
  host: string;
  port: number;
  threads?: number;
  recipe?: string[];
  queue?: string;
}

/** More threads than any machine has; onnxruntime takes what there is. */
const MAX_THREADS = 1_024;

const HELP = `
Callers must send the secret that the environment variable ENCODER_SECRET holds. With a bucket and a queue the service also
takes documents over HTTP; whoever runs "maxleaf worker" on the same two ingests them. Documents are fetched by URL from
the hosts of MAXLEAF_URL_ALLOW only (name, *.name, …; none by default).

Examples:
  ENCODER_SECRET=$(openssl rand -base64 32) maxleaf encoder --port 8788
  ENCODER_SECRET=… maxleaf encoder --s3-bucket index --queue sqs:https://sqs.eu-west-1.amazonaws.com/123456789012/tasks`;

export function addEncoder(program: Command, context: CommandContext): void {
  program
    .command("encoder")
    .description("run the encoder service alone, for an edge worker elsewhere")
    .option("--host <address>", "address to listen on", "0.0.0.0")
    .option("--port <number>", "port to listen on", portNumber, DEFAULT_ENCODER_PORT)
    .option("--threads <number>", "threads of the model", integer(1, MAX_THREADS))
    .option(
      "--queue <address>",
      "take documents over HTTP, as tasks in this queue: sqs:URL, cf:ACCOUNT/QUEUE or sqlite:PATH (MAXLEAF_QUEUE)",
    )
    .option("--recipe <a,b>", "recipes to load before the first question (default: minilm-words)", list)
    .addHelpText("after", HELP)
    .action(async (_options: Options, command: Command) => {
      const { host, port, threads, recipe: preload, ...globals } = command.optsWithGlobals<Options>();
      const secret = context.env["ENCODER_SECRET"];
      if (secret === undefined || secret === "") {
        throw new MaxleafError("invalid_request", "the encoder service needs a secret: set ENCODER_SECRET");
      }
      const modelOptions = loadOptionsOf(globals, context);
      const { startEncoderService } = await import("../../service/start-service.ts");
      const writing = await openWriting(context, globals, modelOptions);
      try {
        const { services: admin } = writing ?? {};
        const service = await startEncoderService({ host, port, secret, threads, preload, modelOptions, admin });
        context.terminal.out(`encoder service at ${service.url}\n`);
        if (!context.signal.aborted) await once(context.signal, "abort");
        await service.close();
      } finally {
        writing?.close();
      }
    });
}

/** What the service writes with, if it was given a queue. Errors: `invalid_request` when it has no bucket; those of `openQueue`. */
async function openWriting(
  context: CommandContext,
  options: GlobalOptions & { queue?: string },
  modelOptions: LoadOptions,
) {
  const address = options.queue ?? context.env["MAXLEAF_QUEUE"];
  if (address === undefined || address === "") return undefined;
  const [{ openRemote }, { openQueue }, { openAdmin }, { TaskStore }, { MeteredQueue }] = await Promise.all([
    import("../open-store.ts"),
    import("../../worker/worker-config.ts"),
    import("../../admin/open-admin.ts"),
    import("../../tasks/task-store.ts"),
    import("../../metrics/metered-queue.ts"),
  ]);
  const opened = openRemote(context, options);
  if (opened === undefined) {
    const message = "a queue needs the bucket of the indexes too: give --s3-bucket or MAXLEAF_S3_BUCKET";
    throw new MaxleafError("invalid_request", message);
  }
  const { store } = opened;
  // The service is there when no worker is: its metrics tell how many are needed.
  const queue = new MeteredQueue(openQueue(address, options.dataDir, context.env));
  const onWarning = (message: string) => context.terminal.err(`maxleaf: ${message}\n`);
  const tasks = new TaskStore({ store, queue, onWarning });
  const close = () => {
    queue.close();
    store.close();
  };
  return { services: openAdmin({ store, tasks, env: context.env, modelOptions, onWarning }), close };
}
