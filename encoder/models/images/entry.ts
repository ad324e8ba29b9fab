/**
 * A recipe of this kind as the registry has it: its files opened, its backend chosen, its model made.
 *
 * @module
 */
import { MaxleafError, quote } from "../../../shared/errors.ts";
import type { Recipe } from "../../../shared/recipe/recipe.ts";
import { openOnnxGraph } from "../../backends/onnx/open-graph.ts";
import { VllmClient } from "../../backends/vllm/client.ts";
import type { LoadOptions, Model, ModelCard, RegistryEntry } from "../model.ts";
import { hasModelFile, LOCAL_REVISION, openModelFiles, pinnedRecipe } from "../store/model-files.ts";
import type { PictureFamily } from "./family.ts";
import { GraphEncoder, graphSpec } from "./graph-encoder.ts";
import { PictureModel } from "./picture-model.ts";
import { ServerEncoder, type ServedModel, serverSpec } from "./server-encoder.ts";
import { loadTextTokenizer } from "./text-tokenizer.ts";

const TOKENIZER_FILE = "tokenizer.json";
const TOKENIZER_CONFIG_FILE = "tokenizer_config.json";
const TOKENIZER_FILES = [TOKENIZER_FILE, TOKENIZER_CONFIG_FILE];

export interface PictureEntryParts {
  recipe: Recipe;
  family: PictureFamily;
  /** Files of the graph; `published`: in the card's repository, so that they can be fetched. */
  graph: { file: string; data?: readonly string[]; published: boolean };
  /** What a vLLM server has to run; absent: none can. */
  served?: ServedModel;
  card: Omit<ModelCard, "files" | "backends">;
}

export function pictureEntry(parts: PictureEntryParts): RegistryEntry {
  const { recipe, graph, served } = parts;
  const card: ModelCard = {
    ...parts.card,
    files: graph.published ? filesOf(graph) : TOKENIZER_FILES,
    backends: served === undefined ? ["onnx"] : graph.published ? ["onnx", "vllm"] : ["vllm", "onnx"],
  };
  const load = (options: LoadOptions) =>
    options.vllm === undefined || served === undefined
      ? loadOnGraph(parts, card, options)
      : loadOnServer(parts, served, card, options, options.vllm);
  return { recipe, card, load };
}

function filesOf({ file, data = [] }: PictureEntryParts["graph"]): string[] {
  return [file, ...data, ...TOKENIZER_FILES];
}

async function loadOnGraph(
  { recipe, family, graph }: PictureEntryParts,
  card: ModelCard,
  options: LoadOptions,
): Promise<Model> {
  if (!graph.published && !(await hasModelFile(recipe.name, graph.file, options))) {
    const ways = `give a folder with ${graph.file} by --model-dir${card.backends.includes("vllm") ? ", or a vLLM server" : ""}`;
    throw new MaxleafError("model_unavailable", `no ONNX graph of ${quote(recipe.name)} is published: ${ways}`);
  }
  const { lock, path } = await openModelFiles({ recipe, card: { ...card, files: filesOf(graph) } }, options);
  const tokenizer = await loadTextTokenizer(path(TOKENIZER_FILE), path(TOKENIZER_CONFIG_FILE));
  const runner = await openOnnxGraph(
    { graph: path(graph.file), data: graph.data?.map(path) },
    graphSpec(recipe.name, family, recipe.dim),
    { threads: options.threads, executionProvider: options.executionProvider },
  );
  const encoder = new GraphEncoder(runner, family);
  return await PictureModel.create({ recipe: pinnedRecipe(recipe, lock), family, tokenizer, encoder });
}

/** Only the tokenizer is read here. The server's model counts as another recipe than the graph: its weights are others. */
async function loadOnServer(
  { recipe, family }: PictureEntryParts,
  served: ServedModel,
  card: ModelCard,
  options: LoadOptions,
  vllm: NonNullable<LoadOptions["vllm"]>,
): Promise<Model> {
  const { lock, path } = await openModelFiles({ recipe, card: { ...card, files: TOKENIZER_FILES } }, options);
  const tokenizer = await loadTextTokenizer(path(TOKENIZER_FILE), path(TOKENIZER_CONFIG_FILE));
  const isOfModel = card.repository === served.repository && lock.commit !== LOCAL_REVISION;
  const pinned = pinnedRecipe(recipe, {
    ...lock,
    files: lock.files.filter((file) => TOKENIZER_FILES.includes(file.path)),
  });
  const servedRecipe = { ...pinned, extra: { ...pinned.extra, weights: `vLLM ${served.repository}` } };
  const spec = { ...serverSpec(recipe, served), ...(isOfModel && { revision: lock.commit }) };
  const encoder = new ServerEncoder(await VllmClient.open(spec, vllm), family);
  return await PictureModel.create({ recipe: servedRecipe, family, tokenizer, encoder });
}
