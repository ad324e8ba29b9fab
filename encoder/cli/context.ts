/**
 * What every command gets besides its own options.
 *
 * @module
 */
import { type Command, Option } from "commander";
import { DEFAULT_DATA_DIR } from "../local/data-dir.ts";
import type { Terminal } from "./terminal.ts";

export interface CommandContext {
  terminal: Terminal;
  /** Aborted by Ctrl-C. */
  signal: AbortSignal;
  /** The environment variables. */
  env: Readonly<Record<string, string | undefined>>;
  /** What the process will end with. A command sets it when it is done, but not wholly well. */
  exitCode: number;
}

/** `LoadOptions.executionProvider` of models, which help must not load the runtime for. */
export const MODEL_DEVICES = ["cpu", "cuda"] as const;

/** Options that every command takes. */
export interface GlobalOptions {
  dataDir: string;
  modelDir?: string;
  modelDevice?: (typeof MODEL_DEVICES)[number];
  vllmUrl?: string;
  s3Endpoint?: string;
  s3Bucket?: string;
  verbose?: boolean;
  debug?: boolean;
}

/** Ctrl-C: the reason that {@link CommandContext.signal} carries. */
export class Interrupted extends Error {
  constructor() {
    super("interrupted");
    this.name = "Interrupted";
  }
}

/** Adds {@link GlobalOptions} to the program. */
export function addGlobalOptions(program: Command, env: CommandContext["env"]): void {
  program
    .option(
      "--data-dir <folder>",
      "where the local bucket is kept (MAXLEAF_DATA_DIR)",
      env["MAXLEAF_DATA_DIR"] ?? DEFAULT_DATA_DIR,
    )
    .option(
      "--model-dir <folder>",
      "where models are, a folder each, or the folder of one (MAXLEAF_MODEL_DIR; default: models in the data folder)",
    )
    .addOption(
      new Option("--model-device <name>", "where models run (MAXLEAF_MODEL_DEVICE; default: cpu)").choices(
        MODEL_DEVICES,
      ),
    )
    .option(
      "--vllm-url <url>",
      "a vLLM server for models that run there (MAXLEAF_VLLM_URL; its key by MAXLEAF_VLLM_KEY)",
    )
    .option("--s3-endpoint <url>", "use this S3-compatible bucket instead (MAXLEAF_S3_ENDPOINT)")
    .option("--s3-bucket <name>", "its name (MAXLEAF_S3_BUCKET; credentials by AWS_*)")
    .option("--verbose", "say what happens, wrangler's own output included")
    .option("--debug", "print the stack of an error");
}
