/**
 * `maxleaf models`: what can be used by name, and bringing it here.
 *
 * @module
 */
import { join } from "node:path";
import type { Command } from "commander";
import type { ModelCard } from "../../models/model.ts";
import type { PullReport } from "../../models/store/pull.ts";
import type { CommandContext, GlobalOptions } from "../context.ts";
import { byteSize, counted } from "../format.ts";
import { loadOptionsOf } from "../load-options.ts";
import { modelDetails, modelSummary, modelTable } from "../model-report.ts";

interface Options extends GlobalOptions {
  json?: boolean;
}

interface PullOptions extends Options {
  revision?: string;
  endpoint?: string;
}

const HELP = `
Weights are "embedded" in this package, "pulled" from the hub with a lock file, "local files" without one, or not here. Where
there is a "tokenizer only", nobody publishes a graph: the model runs on a vLLM server, or on a graph of your own.

Examples:
  maxleaf models
  maxleaf models show colbertv2
  maxleaf models pull colbertv2
  maxleaf ingest ./reports --index reports --recipe colbertv2`;

const PULL_HELP = `
Fetches the files that the recipe needs, of the one commit that the revision is now, checks each by its SHA-256 and writes
them down in maxleaf-model.json. A pull that was cut off goes on where it was. Pulling again verifies what is there;
--revision main brings what the authors changed since. Indexes keep to the weights that made them: their pages must be
ingested anew for others.

Environment: HF_ENDPOINT (a mirror), HF_TOKEN (for models whose terms must be accepted).

Examples:
  maxleaf models pull colbertv2
  maxleaf models pull colpali-v1.3 --model-dir /data/models
  HF_ENDPOINT=https://mirror.example maxleaf models pull colmodernvbert --revision 6d54b99`;

export function addModels(program: Command, context: CommandContext): void {
  const models = program
    .command("models")
    .description("list the recipes that can be used by name, pull and remove their models")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(async (_options: Options, command: Command) => await list(context, command.optsWithGlobals<Options>()));
  models
    .command("show")
    .description("print a recipe, its card, and what could not be verified")
    .argument("<name>", "of the recipe")
    .option("--json", "print one JSON document")
    .action(async (name: string, _options: Options, command: Command) => {
      await show(context, name, command.optsWithGlobals<Options>());
    });
  models
    .command("pull")
    .description("fetch a model from the hub: pinned to a commit, checksummed, resumed when it was cut off")
    .argument("<name>", "of the recipe")
    .option("--revision <name>", "branch, tag or commit (default: the recipe's commit, or main)")
    .option("--endpoint <url>", "of the hub (HF_ENDPOINT; default: https://huggingface.co)")
    .option("--json", "print one JSON document")
    .addHelpText("after", PULL_HELP)
    .action(async (name: string, _options: PullOptions, command: Command) => {
      await pull(context, name, command.optsWithGlobals<PullOptions>());
    });
  models
    .command("remove")
    .description("delete what a pull brought")
    .argument("<name>", "of the recipe")
    .action(async (name: string, _options: Options, command: Command) => {
      await remove(context, name, command.optsWithGlobals<Options>());
    });
}

async function list({ terminal, env }: CommandContext, options: Options): Promise<void> {
  const [{ listEntries }, { modelStateOf }] = await loadStore();
  const where = loadOptionsOf(options, { env, terminal });
  const models = await Promise.all(
    listEntries().map(async (entry) => modelSummary(entry, await modelStateOf(entry, where))),
  );
  terminal.out(options.json === true ? `${JSON.stringify({ models })}\n` : modelTable(models));
}

async function show({ terminal, env }: CommandContext, name: string, options: Options): Promise<void> {
  const [{ findEntry }, { modelStateOf }] = await loadStore();
  const [{ pinnedRecipe }, { recipeFingerprint }] = await Promise.all([
    import("../../models/store/model-files.ts"),
    import("../../../shared/recipe/fingerprint.ts"),
  ]);
  const entry = findEntry(name);
  const { card } = entry;
  const state = await modelStateOf(entry, loadOptionsOf(options, { env, terminal }));
  const lock = state.lock && { commit: state.lock.commit, files: filesOfCard(card, state.lock.files) };
  const recipe = lock === undefined ? entry.recipe : pinnedRecipe(entry.recipe, lock);
  const details = { recipe, recipeFingerprint: await recipeFingerprint(recipe), card, state };
  terminal.out(options.json === true ? `${JSON.stringify(details)}\n` : modelDetails(details));
}

function filesOfCard<F extends { path: string }>({ files }: ModelCard, locked: readonly F[]): F[] {
  return locked.filter(({ path }) => files.includes(path));
}

async function pull(context: CommandContext, name: string, options: PullOptions): Promise<void> {
  const { terminal, env, signal } = context;
  const [{ findEntry }] = await loadStore();
  const [{ pullModel }, { showPullProgress }] = await Promise.all([
    import("../../models/store/pull.ts"),
    import("../pull-progress.ts"),
  ]);
  const progress = showPullProgress(terminal, options.json === true);
  try {
    const report = await pullModel({
      entry: findEntry(name),
      folder: join(loadOptionsOf(options, { env, terminal }).modelsFolder, name),
      revision: options.revision,
      hub: { endpoint: options.endpoint ?? (env["HF_ENDPOINT"] || undefined), token: env["HF_TOKEN"], signal },
      onProgress: (at) => progress.update(at),
    });
    progress.stop();
    terminal.out(options.json === true ? `${JSON.stringify({ name, ...report })}\n` : pulledText(name, report));
  } finally {
    progress.stop();
  }
}

function pulledText(name: string, { folder, repository, commit, files }: PullReport): string {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const kept = files.filter(({ outcome }) => outcome === "kept").length;
  const resumed = files.filter(({ outcome }) => outcome === "resumed").length;
  const fetched = `${files.length - kept} fetched${resumed === 0 ? "" : ` (${resumed} resumed)`}, ${kept} kept`;
  const how = kept === files.length ? "all were here and are verified" : fetched;
  const what = `${counted(files.length, "file")}, ${byteSize(bytes)}, of ${repository} at ${commit}`;
  return `${name}: ${what}; ${how}\n${folder}\n`;
}

async function remove({ terminal, env }: CommandContext, name: string, options: Options): Promise<void> {
  const [{ findEntry }] = await loadStore();
  const { removeModel } = await import("../../models/store/remove.ts");
  const { recipe } = findEntry(name);
  const freedBytes = await removeModel(
    recipe.name,
    join(loadOptionsOf(options, { env, terminal }).modelsFolder, recipe.name),
  );
  terminal.out(`${name}: ${byteSize(freedBytes)} freed\n`);
}

/** Loaded when a command runs: a request for help must not wait for the runtime. */
async function loadStore() {
  return await Promise.all([import("../../models/registry.ts"), import("../../models/store/model-state.ts")]);
}
