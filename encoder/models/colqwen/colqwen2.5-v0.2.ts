/**
 * The recipe `colqwen2.5-v0.2`.
 *
 * @module
 */
import type { RegistryEntry } from "../model.ts";
import { colqwenEntry } from "./entry.ts";

export const colqwen25V02: RegistryEntry = colqwenEntry({
  traits: {
    name: "colqwen2.5-v0.2",
    model: "vidore/colqwen2.5-v0.2",
    queryPrefix: "Query: ",
    engine: "colpali-engine 0.3.10",
  },
  languages: ["en"],
  licence: "MIT (adapter), Qwen Research (Qwen2.5-VL-3B)",
  parameters: "3 B",
});
