/**
 * Special tokens of the ModernBERT models that PyLate trained: it adds the markers, space included, after the vocabulary.
 *
 * @module
 */
import type { ColbertFacts } from "./facts.ts";

export const modernBertTokens: ColbertFacts["tokens"] = {
  cls: { text: "[CLS]", id: 50_281 },
  sep: { text: "[SEP]", id: 50_282 },
  mask: { text: "[MASK]", id: 50_284 },
  pad: { text: "[PAD]", id: 50_283 },
  query: { text: "[Q] ", id: 50_368 },
  document: { text: "[D] ", id: 50_369 },
};
