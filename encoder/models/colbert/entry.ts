/**
 * A ColBERT model as the registry lists it, and loading it.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { MaxleafError } from "../../../shared/errors.ts";
import { recipeFingerprint } from "../../../shared/recipe/fingerprint.ts";
import type { GraphRunner } from "../../backends/contract.ts";
import type { GraphSpec } from "../../backends/onnx/graph-spec.ts";
import { openOnnxGraph } from "../../backends/onnx/open-graph.ts";
import type { LoadOptions, Model, ModelCard, RegistryEntry } from "../model.ts";
import { type ModelFiles, openModelFiles, pinnedRecipe } from "../store/model-files.ts";
import { ColbertModel } from "./colbert-model.ts";
import { colbertFiles, type ColbertFacts, colbertRecipe, TOKENIZER_FILE } from "./facts.ts";
import { openVllmRunner } from "./vllm-runner.ts";
import { readVocabulary } from "./vocabulary.ts";

/** A revision that a server can be asked for: not `local`. */
const COMMIT = /^[0-9a-f]{40}$/u;

export interface ColbertEntry extends RegistryEntry {
  facts: ColbertFacts;
}

/** The card's `files` and `backends` follow from the facts. */
export function colbertEntry(facts: ColbertFacts, about: Omit<ModelCard, "files" | "backends">): ColbertEntry {
  const card: ModelCard = {
    ...about,
    files: colbertFiles(facts),
    backends: facts.vllm === true ? ["onnx", "vllm"] : ["onnx"],
  };
  const recipe = colbertRecipe(facts);
  return { facts, recipe, card, load: (options) => loadColbert(facts, { recipe, card }, options) };
}

/**
 * Loads a model, over vLLM if a server is given and the recipe runs there: then the tokenizer is all that must be here.
 *
 * Errors: `model_unavailable` for a missing or wrong file, another model's tokenizer, a graph with other inputs or another output
 * than the recipe says, or a server with another model.
 */
async function loadColbert(
  facts: ColbertFacts,
  entry: Pick<RegistryEntry, "recipe" | "card">,
  options: LoadOptions,
): Promise<Model> {
  const overVllm = entry.card.backends.includes("vllm") ? options.vllm : undefined;
  const files = await openModelFiles(
    overVllm === undefined ? entry : { ...entry, card: { ...entry.card, files: [TOKENIZER_FILE] } },
    options,
  );
  const vocabulary = readVocabulary(facts, await readModelFile(files.path(TOKENIZER_FILE), facts));
  const pinned = pinnedRecipe(entry.recipe, files.lock);
  const recipe = overVllm === undefined ? pinned : { ...pinned, extra: { ...pinned.extra, graph: "vLLM" } };
  const runner =
    overVllm === undefined
      ? await openGraph(facts, files, options)
      : await openVllmRunner(facts, COMMIT.test(recipe.revision) ? recipe.revision : undefined, overVllm);
  return new ColbertModel({ facts, recipe, recipeFingerprint: await recipeFingerprint(recipe), vocabulary, runner });
}

async function openGraph(
  { name, dim, graph }: ColbertFacts,
  files: ModelFiles,
  { threads, executionProvider }: LoadOptions,
): Promise<GraphRunner> {
  const paths = { graph: files.path(graph.file), data: graph.data?.map(files.path) };
  const inputs: GraphSpec["inputs"] = {
    input_ids: { type: "int64" },
    attention_mask: { type: "int64" },
    token_type_ids: { type: "int64", optional: true },
  };
  return await openOnnxGraph(
    paths,
    { name, inputs, output: { name: graph.output, dim } },
    { threads, executionProvider },
  );
}

async function readModelFile(path: string, { name }: ColbertFacts): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new MaxleafError("model_unavailable", `the file ${path} of ${name} cannot be read`, { cause });
  }
}
