/**
 * The recipe `colqwen2-v1.0`.
 *
 * @module
 */
import type { RegistryEntry } from "../model.ts";
import { colqwenEntry } from "./entry.ts";

export const colqwen2V10: RegistryEntry = colqwenEntry({
  traits: {
    name: "colqwen2-v1.0",
    model: "vidore/colqwen2-v1.0",
    queryPrefix: "Query: ",
    engine: "colpali-engine 0.3.10",
  },
  languages: ["en"],
  licence: "MIT (adapter), Apache-2.0 (Qwen2-VL-2B)",
  parameters: "2.2 B",
});
