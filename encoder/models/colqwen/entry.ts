/**
 * What the cards of the ColQwen family share.
 *
 * @module
 */
import type { ModelCard, RegistryEntry } from "../model.ts";
import { pictureEntry } from "../images/entry.ts";
import { COLQWEN_PROMPT, colqwenFamily, colqwenRecipe, type ColqwenTraits } from "./family.ts";

interface ColqwenFacts extends Pick<ModelCard, "languages" | "licence" | "parameters"> {
  traits: ColqwenTraits;
  unverified?: readonly string[];
}

export function colqwenEntry({ traits, unverified = [], ...facts }: ColqwenFacts): RegistryEntry {
  return pictureEntry({
    recipe: colqwenRecipe(traits),
    family: colqwenFamily(traits),
    graph: { file: "model.onnx", published: false },
    served: { repository: traits.model, chatTemplate: COLQWEN_PROMPT },
    card: {
      repository: traits.model,
      vectorsPerPage: "747 (A4)",
      ...facts,
      unverified: [
        "Never run here. No public ONNX graph of it is known: make one with input_ids, attention_mask, pixel_values [batch, patches, 1176] and image_grid_thw [batch, 3], and give its folder by --model-dir.",
        "vLLM's documentation lists ColQwen3 and ColQwen3.5 but not this model: the server needs its architecture registered.",
        "The question's prefix is the one of colpali-engine 0.3.10; from 0.3.13 on there is none.",
        ...unverified,
      ],
    },
  });
}
