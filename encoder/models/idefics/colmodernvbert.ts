/**
 * The recipe `colmodernvbert`: the one model of this kind with a public ONNX graph that a CPU can run.
 *
 * @module
 */
import type { RegistryEntry } from "../model.ts";
import { pictureEntry } from "../images/entry.ts";
import { ideficsFamily, ideficsRecipe, type IdeficsTraits } from "./family.ts";

/** `<|begin_of_text|>` is no marker of this vocabulary but ten pieces of text, as the model was trained with it. */
export const COLMODERNVBERT_TRAITS: IdeficsTraits = {
  name: "colmodernvbert",
  model: "ModernVBERT/colmodernvbert",
  /** Of Qdrant/colmodernvbert, as DeskRAG pins it. */
  revision: "6d54b9924e54e7c0061173d134dec496b15b3842",
  prompt: "<|begin_of_text|>User:<image>Describe the image.<end_of_utterance>\nAssistant:",
  ids: {
    open: [50_281],
    close: [50_282],
    user: [29, 93, 2_043, 64, 1_171, 64, 1_156, 49_651, 6_989, 27],
    fake: 50_406,
    global: 50_368,
    firstTile: 50_369,
    image: 50_407,
    newline: 187,
    doubleNewline: 535,
    describe: [4_476, 19_268, 253, 2_460, 15],
    endOfUtterance: 50_405,
    assistant: [187, 6_717, 5_567, 27],
  },
  padding: { id: 50_283, side: "left" },
  pixelMask: false,
  engine: "colpali-engine 0.3.13",
};

export const colmodernvbert: RegistryEntry = pictureEntry({
  recipe: ideficsRecipe(COLMODERNVBERT_TRAITS),
  family: ideficsFamily(COLMODERNVBERT_TRAITS),
  graph: { file: "model.onnx", published: true },
  card: {
    repository: "Qdrant/colmodernvbert",
    bytes: 1_010_000_000,
    licence: "MIT",
    languages: ["en"],
    parameters: "252 M",
    vectorsPerPage: "885 (A4)",
    unverified: ["Never run here: the graph has 1 GB. The id of its padding token is ModernBERT's [PAD]."],
  },
});
