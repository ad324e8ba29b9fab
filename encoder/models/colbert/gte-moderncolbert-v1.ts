/**
 * `gte-moderncolbert-v1`: ModernBERT base, trained by PyLate's authors.
 *
 * sentence-transformers' documentation (docs/multi_vector_encoder/usage/custom_models.rst at cad21198) says how it loads: "no query
 * expansion (LightOn disables it), a query length cap of 48, a document length cap of 300, and a punctuation skiplist". Its test
 * against PyLate bears that out: a question of 12 tokens, markers included, scores 11.51 at most
 * (tests/multi_vector_encoder/test_pretrained.py), and 12 vectors cannot score more than 12.
 *
 * This differs from the model card, which says 32 tokens, and from the first commits (78d50a16, which MTEB measured), where
 * PyLate filled questions up to 32 with masks that no word attends to. The weights are the same; we follow what the authors have
 * published last. Documents may be longer, up to 8,192 tokens and more; 300 is the length of training and of the configuration.
 *
 * @module
 */
import { colbertEntry } from "./entry.ts";
import type { ColbertFacts } from "./facts.ts";
import { modernBertTokens } from "./modernbert-tokens.ts";

const facts: ColbertFacts = {
  name: "gte-moderncolbert-v1",
  model: "lightonai/GTE-ModernColBERT-v1",
  revision: "unpinned",
  dim: 128,
  tokens: modernBertTokens,
  queryLength: 48,
  expansion: "none",
  documentLength: 300,
  skiplist: "token",
  lowerCase: false,
  // pylate-onnx-export (lightonai/next-plaid, colbert_export/export.py): L2 inside, no token_type_ids.
  graph: { file: "model.onnx", output: "output" },
  // vllm serve lightonai/GTE-ModernColBERT-v1 --hf-overrides '{"architectures": ["ColBERTModernBertModel"]}'
  // (docs/models/pooling_models/specific_models.md of vLLM 0.32).
  vllm: true,
};

export const gteModernColbert = colbertEntry(facts, {
  repository: "lightonai/GTE-ModernColBERT-v1",
  licence: "Apache-2.0",
  languages: ["en"],
  parameters: "149 M",
  vectorsPerPage: "one a token without punctuation, and 3 a window of 300 tokens",
  unverified: [
    "the commit that holds model.onnx: next-plaid's README serves this repository as it is, older listings lack the file",
  ],
});
