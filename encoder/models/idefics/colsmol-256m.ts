/**
 * The recipe `colsmol-256m`.
 *
 * @module
 */
import type { RegistryEntry } from "../model.ts";
import { pictureEntry } from "../images/entry.ts";
import { COLSMOL_DRIFT, colsmolTraits } from "./colsmol.ts";
import { ideficsFamily, ideficsRecipe } from "./family.ts";

/** The commit of the dynamic graph, as DeskRAG pins it. */
const TRAITS = colsmolTraits("colsmol-256m", "vidore/colSmol-256M", "93956db0e440eebd497bc776e7bf34a06830b0c6");

/** The graph takes any number of tiles; onnx-community/colSmol-256M-ONNX takes 13 and no other. */
export const colsmol256m: RegistryEntry = pictureEntry({
  recipe: ideficsRecipe(TRAITS),
  family: ideficsFamily(TRAITS),
  graph: { file: "model.onnx", published: true },
  card: {
    repository: "guyettinger/colSmol-256M-dynamic-onnx",
    bytes: 954_000_000,
    licence: "MIT (adapter), Apache-2.0 (SmolVLM-256M)",
    languages: ["en"],
    parameters: "256 M",
    vectorsPerPage: "875 (A4)",
    unverified: ["Never run here: the graph has 954 MB. The id of its padding token is SmolVLM's.", COLSMOL_DRIFT],
  },
});
