/**
 * `maxleaf encoder`: the encoder service alone. What the container runs.
 *
 * @module
 */
import { once } from "node:events";
import type { Command } from "commander";
import { MaxleafError } from "../../../shared/errors.ts";
import { DEFAULT_ENCODER_PORT } from "../../local/ports.ts";
import type { CommandContext, GlobalOptions } from "../context.ts";
import { loadOptionsOf } from "../load-options.ts";
import { integer, list, portNumber } from "../option-values.ts";

interface Options extends GlobalOptions {
  host: string;
  port: number;
  threads?: number;
  recipe?: string[];
}

/** More threads than any machine has; onnxruntime takes what there is. */
const MAX_THREADS = 1_024;

const HELP = `
Callers must send the secret that the environment variable ENCODER_SECRET holds.

Example:
  ENCODER_SECRET=$(openssl rand -base64 32) maxleaf encoder --port 8788`;

export function addEncoder(program: Command, context: CommandContext): void {
  program
    .command("encoder")
    .description("run the encoder service alone, for an edge worker elsewhere")
    .option("--host <address>", "address to listen on", "0.0.0.0")
    .option("--port <number>", "port to listen on", portNumber, DEFAULT_ENCODER_PORT)
    .option("--threads <number>", "threads of the model", integer(1, MAX_THREADS))
    .option("--recipe <a,b>", "recipes to load before the first question (default: minilm-words)", list)
    .addHelpText("after", HELP)
    .action(async (_options: Options, command: Command) => {
      const { host, port, threads, recipe: preload, ...globals } = command.optsWithGlobals<Options>();
      const secret = context.env["ENCODER_SECRET"];
      if (secret === undefined || secret === "") {
        throw new MaxleafError("invalid_request", "the encoder service needs a secret: set ENCODER_SECRET");
      }
      const modelOptions = loadOptionsOf(globals, context.env);
      const { startEncoderService } = await import("../../service/start-service.ts");
      const service = await startEncoderService({ host, port, secret, threads, preload, modelOptions });
      context.terminal.out(`encoder service at ${service.url}\n`);
      if (!context.signal.aborted) await once(context.signal, "abort");
      await service.close();
    });
}
