/**
 * The recipe `colsmol-500m`.
 *
 * @module
 */
import type { RegistryEntry } from "../model.ts";
import { pictureEntry } from "../images/entry.ts";
import { COLSMOL_DRIFT, colsmolTraits } from "./colsmol.ts";
import { ideficsFamily, ideficsRecipe } from "./family.ts";

const TRAITS = colsmolTraits("colsmol-500m", "vidore/colSmol-500M");

export const colsmol500m: RegistryEntry = pictureEntry({
  recipe: ideficsRecipe(TRAITS),
  family: ideficsFamily(TRAITS),
  graph: { file: "model.onnx", published: false },
  card: {
    repository: "vidore/colSmol-500M",
    licence: "MIT (adapter), Apache-2.0 (SmolVLM-500M)",
    languages: ["en"],
    parameters: "500 M",
    vectorsPerPage: "875 (A4)",
    unverified: [
      "Never run here. No public ONNX graph of it is known: make one as of colSmol-256M and give its folder by --model-dir.",
      "Its vocabulary is taken to be that of colSmol-256M, whose ids were measured.",
      COLSMOL_DRIFT,
    ],
  },
});
