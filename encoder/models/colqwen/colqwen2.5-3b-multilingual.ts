/**
 * The recipe `colqwen2.5-3b-multilingual`: T-Systems' ColQwen2.5, trained on more languages.
 *
 * @module
 */
import type { RegistryEntry } from "../model.ts";
import { colqwenEntry } from "./entry.ts";

export const colqwen25Multilingual: RegistryEntry = colqwenEntry({
  traits: {
    name: "colqwen2.5-3b-multilingual",
    model: "tsystems/colqwen2.5-3b-multilingual-v1.0",
    queryPrefix: "Query: ",
    engine: "colpali-engine 0.3.10",
  },
  languages: ["multilingual"],
  licence: "not confirmed; relatives of it are CC-BY-NC-4.0",
  parameters: "3 B",
  unverified: ["Its licence and its published scores could not be confirmed."],
});
