/**
 * `colbertv2`: the model of the paper (Santhanam et al. 2022), BERT base.
 *
 * Lengths, expansion and skiplist are those of its `artifact.metadata`, as sentence-transformers' documentation prints them
 * (docs/multi_vector_encoder/usage/custom_models.rst at cad21198): questions of exactly 32 tokens, filled up with [MASK] that no
 * word attends to, longer ones cut; documents of 180 tokens; punctuation skipped. The 35 real documents of
 * shared/data/colbert-nanofiqa have at most 167 vectors, 21 of them more than 138: long texts cut at 180, less punctuation.
 *
 * Where libraries differ: Stanford's and PyLate's code cut questions at 32, fastembed only at 512 (colbert.py): we cut.
 * Stanford's library takes 220 tokens of a document unless told otherwise, fastembed 512, the checkpoint itself says 180: so do
 * we. lightonai/colbertv2.0, the same weights repackaged, says 300.
 *
 * @module
 */
import { bertTokens } from "./bert-tokens.ts";
import { colbertEntry } from "./entry.ts";
import type { ColbertFacts } from "./facts.ts";

const facts: ColbertFacts = {
  name: "colbertv2",
  model: "colbert-ir/colbertv2.0",
  // Named by PyLate (tests/test_model_loading.py) and MTEB; its listing on the hub has model.onnx.
  revision: "c1e84128e85ef755c096a95bdb06b47793b13acf",
  dim: 128,
  tokens: bertTokens,
  queryLength: 32,
  expansion: "unattended",
  documentLength: 180,
  skiplist: "first-piece",
  lowerCase: false,
  graph: { file: "model.onnx" },
};

export const colbertv2 = colbertEntry(facts, {
  repository: "colbert-ir/colbertv2.0",
  bytes: 436_000_000,
  licence: "MIT",
  languages: ["en"],
  parameters: "110 M",
  vectorsPerPage: "one a word piece without punctuation, and 3 a window of 180 tokens",
  unverified: ["the output's name (Vespa's exporter writes `contextual`): the graph's first output is taken"],
});
