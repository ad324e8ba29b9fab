/**
 * What colSmol-256M and 500M share: SmolVLM's vocabulary.
 *
 * @module
 */
import type { IdeficsTraits } from "./family.ts";

export function colsmolTraits(name: string, model: string, revision = "unpinned"): IdeficsTraits {
  return {
    name,
    model,
    revision,
    prompt: "<|im_start|>User:<image>Describe the image.<end_of_utterance>\nAssistant:",
    ids: {
      open: [],
      close: [],
      user: [1, 11_126, 42],
      fake: 49_189,
      global: 49_152,
      firstTile: 49_153,
      image: 49_190,
      newline: 198,
      doubleNewline: 1_116,
      describe: [37_964, 260, 2_443, 30],
      endOfUtterance: 49_279,
      assistant: [198, 9_519, 9_531, 42],
    },
    padding: { id: 2, side: "left" },
    pixelMask: true,
    engine: "colpali-engine 0.3.13",
  };
}

/** Both models were trained with releases before that. */
export const COLSMOL_DRIFT =
  "Prompt and question are those of colpali-engine ≥ 0.3.11 and ≥ 0.3.13; up to 0.3.10 a question was “Query: …” with a newline, and a page's prompt another.";
