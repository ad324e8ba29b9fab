/**
 * Where models are and where they run, as the global options and the environment say.
 *
 * @module
 */
import { join } from "node:path";
import { MaxleafError, quote } from "../../shared/errors.ts";
import type { LoadOptions } from "../models/model.ts";
import { type CommandContext, type GlobalOptions, MODEL_DEVICES } from "./context.ts";

/** Below the data folder, where models are pulled to, a folder each that is called as the recipe. */
const MODELS_FOLDER = "models";

/** Options go before the environment. Errors: `invalid_request` for a device that is none. */
export function loadOptionsOf(
  options: Pick<GlobalOptions, "dataDir" | "modelDir" | "modelDevice" | "vllmUrl">,
  { env, terminal }: Pick<CommandContext, "env" | "terminal">,
): LoadOptions & { modelsFolder: string } {
  const { dataDir, modelDir = given(env["MAXLEAF_MODEL_DIR"]), vllmUrl = given(env["MAXLEAF_VLLM_URL"]) } = options;
  const onWarning = (message: string) => terminal.err(`warning: ${message}\n`);
  return {
    modelsFolder: modelDir ?? join(dataDir, MODELS_FOLDER),
    executionProvider: options.modelDevice ?? deviceOf(given(env["MAXLEAF_MODEL_DEVICE"])),
    ...(vllmUrl !== undefined && { vllm: { baseUrl: vllmUrl, apiKey: given(env["MAXLEAF_VLLM_KEY"]), onWarning } }),
  };
}

/** A variable that is set to nothing counts as not set, as in shells' `${X:-}`. */
function given(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

function deviceOf(name: string | undefined): LoadOptions["executionProvider"] {
  const device = MODEL_DEVICES.find((one) => one === name);
  if (device !== undefined || name === undefined) return device;
  throw new MaxleafError("invalid_request", `MAXLEAF_MODEL_DEVICE is ${quote(name)}; it must be cpu or cuda`);
}
