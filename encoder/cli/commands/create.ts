/**
 * `maxleaf create`.
 *
 * @module
 */
import { type Command, Option } from "commander";
import type { Manifest } from "../../../shared/format/manifest.ts";
import type { CommandContext, GlobalOptions } from "../context.ts";
import { loadOptionsOf } from "../load-options.ts";
import { indexName, list } from "../option-values.ts";
import { withStore } from "../with-store.ts";

interface Options extends GlobalOptions {
  recipe?: string;
  subspaces?: string;
  filterable?: string[] | false;
  json?: boolean;
}

/** As `SUBSPACE_CHOICES`, which help must not load the runtime for. */
const SUBSPACES = ["8", "16", "32", "64"] as const;

const HELP = `
An index need not be created: maxleaf ingest makes one by itself. Created before, it can be searched at once (finding
nothing), has a recipe of its own for whoever ingests into it, and settings that cannot be changed later:

  --subspaces    more bytes find more exactly and take more room: docs/compression.md
  --filterable   a filter that names another metadata field is refused; documents may have other fields all the same

Run again with the same recipe and settings it changes nothing. Under the name of an index that was dropped a new one
begins, and the old one cannot be restored any more.

Examples:
  maxleaf create reports
  maxleaf create reports --recipe minilm-words-pool2 --subspaces 32 --filterable year,author`;

export function addCreate(program: Command, context: CommandContext): void {
  program
    .command("create")
    .description("make an index without documents, with a recipe and settings")
    .argument("<name>", "of the index", indexName)
    .option("--recipe <name>", "how pages become vectors (default: minilm-words; maxleaf models lists them)")
    .addOption(
      new Option("--subspaces <bytes>", "bytes that a vector is coded in (default: one for 8 values)").choices(
        SUBSPACES,
      ),
    )
    .option("--filterable <fields>", "metadata fields that filters may name, as a,b,c (default: any)", list)
    .option("--no-filterable", "no filter may name a metadata field")
    .option("--json", "print one JSON document")
    .addHelpText("after", HELP)
    .action(async (index: string, _options: Options, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const [{ createIndex }, { loadedRecipe }, { DEFAULT_RECIPE }] = await Promise.all([
        import("../../indexing/index-life.ts"),
        import("../../models/loaded-recipe.ts"),
        import("../../models/registry.ts"),
      ]);
      await withStore(context, { ...options, title: "maxleaf create", endsItself: true }, async (store) => {
        const recipe = await loadedRecipe(options.recipe ?? DEFAULT_RECIPE, loadOptionsOf(options, context));
        const { manifest, created } = await createIndex({ store }, { index, recipe, settings: settingsOf(options) });
        const json = { ...asJson(manifest), created };
        const did = created ? `created ${index}` : `${index} was there already and is left as it is`;
        const text = `${did}: ${asText(manifest)}\n`;
        context.terminal.out(options.json === true ? `${JSON.stringify(json)}\n` : text);
      });
    });
}

function settingsOf({ subspaces, filterable }: Options) {
  const filterableFields = filterable === false ? [] : filterable;
  return {
    ...(subspaces !== undefined && { subspaces: Number(subspaces) }),
    ...(filterableFields !== undefined && { filterableFields }),
  };
}

function asJson({ index, recipe, settings = {}, version }: Manifest) {
  return { index, recipe: recipe.name, settings, manifestVersion: version };
}

function asText({ recipe, settings = {} }: Manifest): string {
  const { subspaces, filterableFields } = settings;
  const parts = [
    recipe.name,
    ...(subspaces === undefined ? [] : [`${subspaces} bytes a vector`]),
    ...(filterableFields === undefined ? [] : [`filters by ${filterableFields.join(", ") || "no field"}`]),
  ];
  return parts.join(", ");
}
