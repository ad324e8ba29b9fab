/**
 * A recipe of this kind as the registry has it: its files opened, its backend chosen, its model made.
 *
 * @module
 */
import type { Recipe } from "../../../shared/recipe/recipe.ts";
import { openOnnxGraph } from "../../backends/onnx/open-graph.ts";
import type { LoadOptions, Model, ModelCard, RegistryEntry } from "../model.ts";
import { openModelFiles, pinnedRecipe } from "../store/model-files.ts";
import type { PictureFamily } from "./family.ts";
import { GraphEncoder, graphSpec } from "./graph-encoder.ts";
import { PictureModel } from "./picture-model.ts";
import { loadTextTokenizer } from "./text-tokenizer.ts";

const TOKENIZER_FILE = "tokenizer.json";
const TOKENIZER_CONFIG_FILE = "tokenizer_config.json";
const TOKENIZER_FILES = [TOKENIZER_FILE, TOKENIZER_CONFIG_FILE];

export interface PictureEntryParts {
  recipe: Recipe;
  family: PictureFamily;
  /** Files of the graph, in the card's repository. */
  graph: { file: string; data?: readonly string[] };
  /** The repository of the weights that a vLLM server runs; absent: none can. */
  servedAs?: string;
  card: Omit<ModelCard, "files" | "backends">;
}

export function pictureEntry(parts: PictureEntryParts): RegistryEntry {
  const { recipe, graph, servedAs } = parts;
  const card: ModelCard = {
    ...parts.card,
    files: [graph.file, ...(graph.data ?? []), ...TOKENIZER_FILES],
    backends: servedAs === undefined ? ["onnx"] : ["onnx", "vllm"],
  };
  return { recipe, card, load: (options) => loadOnGraph(parts, card, options) };
}

async function loadOnGraph(
  { recipe, family, graph }: PictureEntryParts,
  card: ModelCard,
  options: LoadOptions,
): Promise<Model> {
  const { lock, path } = await openModelFiles({ recipe, card }, options);
  const tokenizer = await loadTextTokenizer(path(TOKENIZER_FILE), path(TOKENIZER_CONFIG_FILE));
  const runner = await openOnnxGraph(
    { graph: path(graph.file), data: graph.data?.map(path) },
    graphSpec(recipe.name, family, recipe.dim),
    { threads: options.threads, executionProvider: options.executionProvider },
  );
  return await PictureModel.create({
    recipe: pinnedRecipe(recipe, lock),
    family,
    tokenizer,
    encoder: new GraphEncoder(runner, family),
  });
}
