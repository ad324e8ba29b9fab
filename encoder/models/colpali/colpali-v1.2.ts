/**
 * The recipe `colpali-v1.2`.
 *
 * @module
 */
import type { RegistryEntry } from "../model.ts";
import { pictureEntry } from "../images/entry.ts";
import { COLPALI_CHAT_TEMPLATE, colpaliFamily, colpaliRecipe, type ColpaliTraits } from "./family.ts";

/** The prefix is the one of the releases that v1.2 was trained with, by date. */
const TRAITS: ColpaliTraits = {
  name: "colpali-v1.2",
  model: "vidore/colpali-v1.2",
  queryPrefix: "Question: ",
  engine: "colpali-engine 0.3.0 to 0.3.3",
};

export const colpaliV12: RegistryEntry = pictureEntry({
  recipe: colpaliRecipe(TRAITS),
  family: colpaliFamily(TRAITS),
  graph: { file: "model.onnx", data: ["model.onnx_data"], published: false },
  served: { repository: "vidore/colpali-v1.2-hf", chatTemplate: COLPALI_CHAT_TEMPLATE },
  card: {
    repository: "vidore/colpali-v1.2-merged",
    licence: "MIT (adapter), Gemma terms (base model)",
    languages: ["en"],
    parameters: "2.9 B",
    vectorsPerPage: "1,030",
    unverified: [
      "Never run here. No public ONNX graph of it is known: make one with the inputs of Qdrant/colpali-v1.3-fp16 and give its folder by --model-dir, or serve it by vLLM.",
      "The question's prefix is inferred from the dates of releases.",
    ],
  },
});
