/**
 * `maxleaf serve`: the stack without ingesting anything.
 *
 * @module
 */
import type { Command } from "commander";
import { MaxleafError } from "../../../shared/errors.ts";
import type { CommandContext, GlobalOptions } from "../context.ts";
import { noOcrOption, ocrLanguageOf, ocrLanguageOption, type OcrOptions } from "../ocr-options.ts";
import { portNumber } from "../option-values.ts";
import { serveUntilStopped } from "../serve-until-stopped.ts";

interface Options extends GlobalOptions, OcrOptions {
  port?: number;
  encoderPort?: number;
  encoderUrl?: string;
}

const HELP = `
Examples:
  maxleaf serve
  ENCODER_SECRET=… maxleaf serve --encoder-url http://gpu-host:8788`;

export function addServe(program: Command, context: CommandContext): void {
  program
    .command("serve")
    .description("serve the search page and the API over what the local bucket holds")
    .option("--port <number>", "of the search page (default: 8787, or a free one)", portNumber)
    .option("--encoder-port <number>", "of the encoder service (default: 8788, or a free one)", portNumber)
    .option("--encoder-url <url>", "use a running encoder service instead; its secret by ENCODER_SECRET")
    .addOption(ocrLanguageOption())
    .addOption(noOcrOption())
    .addHelpText("after", HELP)
    .action(async (_options: Options, command: Command) => {
      const { encoderUrl, ...options } = command.optsWithGlobals<Options>();
      const encoder = encoderUrl === undefined ? {} : { encoder: remoteEncoder(encoderUrl, context) };
      const serving = { ...options, ...encoder, taskOcrLanguage: ocrLanguageOf(options) };
      await serveUntilStopped(context, serving, "maxleaf serve", async () => undefined);
    });
}

function remoteEncoder(url: string, { env }: CommandContext): { url: string; secret: string } {
  if (!URL.canParse(url)) throw new MaxleafError("invalid_request", `the encoder's address "${url}" is no URL`);
  const secret = env["ENCODER_SECRET"];
  if (secret !== undefined && secret !== "") return { url, secret };
  throw new MaxleafError("invalid_request", "an encoder elsewhere needs its secret: set ENCODER_SECRET");
}
