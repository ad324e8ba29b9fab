/**
 * The recipe `colpali-v1.3`.
 *
 * @module
 */
import type { RegistryEntry } from "../model.ts";
import { pictureEntry } from "../images/entry.ts";
import { COLPALI_CHAT_TEMPLATE, colpaliFamily, colpaliRecipe, type ColpaliTraits } from "./family.ts";

/** The prefix is the one of the releases that v1.3 was trained with (by date), and of fastembed. */
const TRAITS: ColpaliTraits = {
  name: "colpali-v1.3",
  model: "vidore/colpali-v1.3",
  queryPrefix: "Query: ",
  engine: "colpali-engine 0.3.4 to 0.3.10",
};

export const colpaliV13: RegistryEntry = pictureEntry({
  recipe: colpaliRecipe(TRAITS),
  family: colpaliFamily(TRAITS),
  graph: { file: "model.onnx", data: ["model.onnx_data"], published: true },
  served: { repository: "vidore/colpali-v1.3-hf", chatTemplate: COLPALI_CHAT_TEMPLATE },
  card: {
    repository: "Qdrant/colpali-v1.3-fp16",
    bytes: 6_500_000_000,
    licence: "MIT (adapter), Gemma terms (base model)",
    languages: ["en"],
    parameters: "2.9 B",
    vectorsPerPage: "1,030",
    unverified: [
      "Never run here: the graph has 6.5 GB. Name and type of its output are not known; the first output is taken.",
      "The question's prefix drifted: colpali-engine ≥ 0.3.13 has none, 0.3.0 to 0.3.3 had “Question: ”.",
    ],
  },
});
