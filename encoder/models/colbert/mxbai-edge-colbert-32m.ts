/**
 * `mxbai-edge-colbert-32m`: a small ModernBERT (Ettin), 64 dimensions (arXiv 2510.14880).
 *
 * Lengths, lower-casing and skiplist are those of the `onnx_config.json` that PyLate's authors exported with it
 * (raphaelsty/model-test): 48, 512, `do_lower_case`, punctuation. That file also says "no query expansion", but the exporter
 * always does; what bears it out is the example in sentence-transformers' documentation (usage/efficiency.rst at cad21198), where
 * "What is the capital of France?" scores 10.66: that is at most 11 vectors, where expansion would give 48.
 *
 * @module
 */
import { colbertEntry } from "./entry.ts";
import type { ColbertFacts } from "./facts.ts";
import { modernBertTokens } from "./modernbert-tokens.ts";

const facts: ColbertFacts = {
  name: "mxbai-edge-colbert-32m",
  model: "mixedbread-ai/mxbai-edge-colbert-v0-32m",
  revision: "unpinned",
  dim: 64,
  tokens: modernBertTokens,
  queryLength: 48,
  expansion: "none",
  documentLength: 512,
  skiplist: "token",
  lowerCase: true,
  // pylate-onnx-export (lightonai/next-plaid, colbert_export/export.py): L2 inside, no token_type_ids.
  graph: { file: "model.onnx", output: "output" },
};

export const mxbaiEdgeColbert32m = colbertEntry(facts, {
  repository: "lightonai/mxbai-edge-colbert-v0-32m-onnx",
  licence: "Apache-2.0",
  languages: ["en"],
  parameters: "32 M",
  vectorsPerPage: "one a token without punctuation, and 3 a window of 512 tokens",
  unverified: [
    "the authors' own config_sentence_transformers.json: lengths and lower-casing are from the exporter's copy of it",
    "a commit of the repository that holds the graph",
  ],
});
