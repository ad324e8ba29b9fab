/**
 * Special tokens of the BERT models: the uncased vocabulary, with the markers in its first unused places.
 *
 * @module
 */
import type { ColbertFacts } from "./facts.ts";

export const bertTokens: ColbertFacts["tokens"] = {
  cls: { text: "[CLS]", id: 101 },
  sep: { text: "[SEP]", id: 102 },
  mask: { text: "[MASK]", id: 103 },
  pad: { text: "[PAD]", id: 0 },
  query: { text: "[unused0]", id: 1 },
  document: { text: "[unused1]", id: 2 },
};
