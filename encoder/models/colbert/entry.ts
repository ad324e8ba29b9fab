/**
 * A ColBERT model as the registry lists it, and loading it.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { MaxleafError } from "../../../shared/errors.ts";
import { recipeFingerprint } from "../../../shared/recipe/fingerprint.ts";
import type { GraphSpec } from "../../backends/onnx/graph-spec.ts";
import { openOnnxGraph } from "../../backends/onnx/open-graph.ts";
import type { LoadOptions, Model, ModelCard, RegistryEntry } from "../model.ts";
import { openModelFiles, pinnedRecipe } from "../store/model-files.ts";
import { ColbertModel } from "./colbert-model.ts";
import { colbertFiles, type ColbertFacts, colbertRecipe, TOKENIZER_FILE } from "./facts.ts";
import { readVocabulary } from "./vocabulary.ts";

export interface ColbertEntry extends RegistryEntry {
  facts: ColbertFacts;
}

/** The card's `files` and `backends` follow from the facts. */
export function colbertEntry(facts: ColbertFacts, about: Omit<ModelCard, "files" | "backends">): ColbertEntry {
  const card: ModelCard = { ...about, files: colbertFiles(facts), backends: ["onnx"] };
  const recipe = colbertRecipe(facts);
  return { facts, recipe, card, load: (options) => loadColbert(facts, { recipe, card }, options) };
}

/**
 * Errors: `model_unavailable` for a missing or wrong file, another model's tokenizer, or a graph with other inputs or another
 * output than the recipe says.
 */
async function loadColbert(
  facts: ColbertFacts,
  entry: Pick<RegistryEntry, "recipe" | "card">,
  options: LoadOptions,
): Promise<Model> {
  const files = await openModelFiles(entry, options);
  const recipe = pinnedRecipe(entry.recipe, files.lock);
  const vocabulary = readVocabulary(facts, await readModelFile(files.path(TOKENIZER_FILE), facts));
  const graphFiles = { graph: files.path(facts.graph.file), data: (facts.graph.data ?? []).map(files.path) };
  const { threads, executionProvider } = options;
  const runner = await openOnnxGraph(graphFiles, graphSpec(facts), { threads, executionProvider });
  return new ColbertModel({ facts, recipe, recipeFingerprint: await recipeFingerprint(recipe), vocabulary, runner });
}

function graphSpec({ name, dim, graph }: ColbertFacts): GraphSpec {
  return {
    name,
    inputs: {
      input_ids: { type: "int64" },
      attention_mask: { type: "int64" },
      token_type_ids: { type: "int64", optional: true },
    },
    output: { name: graph.output, dim },
  };
}

async function readModelFile(path: string, { name }: ColbertFacts): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new MaxleafError("model_unavailable", `the file ${path} of ${name} cannot be read`, { cause });
  }
}
