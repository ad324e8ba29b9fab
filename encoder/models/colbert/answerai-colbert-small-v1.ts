/**
 * `answerai-colbert-small-v1`: 33 M parameters, BERT, 96 dimensions.
 *
 * Lengths, expansion and skiplist are those of the authors' `config_sentence_transformers.json` at 715cb9ff: 32, 300, [MASK] that
 * no word attends to, punctuation by token.
 *
 * Where libraries differ: fastembed takes 512 tokens of a document; `rerankers`, by the same authors, gives questions that end 0
 * to 8 tokens beyond a multiple of 32 eight masks and fills others up to the next multiple of 32 (colbert_ranker.py). The
 * published configuration wins over both: 32 and 300.
 *
 * `vespa_colbert.onnx` holds the projection; the graphs in `onnx/` of the same repository end before it, at 384 dimensions, and
 * are refused by their width.
 *
 * @module
 */
import { bertTokens } from "./bert-tokens.ts";
import { colbertEntry } from "./entry.ts";
import type { ColbertFacts } from "./facts.ts";

const facts: ColbertFacts = {
  name: "answerai-colbert-small-v1",
  model: "answerdotai/answerai-colbert-small-v1",
  // Where a public lock file found vespa_colbert.onnx with SHA-256 9161e64c…0903.
  revision: "c72aa89bc61afdd85373643f3a1a75b2aad6e0fe",
  dim: 96,
  tokens: bertTokens,
  queryLength: 32,
  expansion: "unattended",
  documentLength: 300,
  skiplist: "token",
  lowerCase: false,
  graph: { file: "vespa_colbert.onnx" },
};

export const answeraiColbertSmall = colbertEntry(facts, {
  repository: "answerdotai/answerai-colbert-small-v1",
  bytes: 133_000_000,
  licence: "Apache-2.0",
  languages: ["en"],
  parameters: "33 M",
  vectorsPerPage: "one a word piece without punctuation, and 3 a window of 300 tokens",
  unverified: ["the output's name (RAGatouille's exporter writes `contextual`): the graph's first output is taken"],
});
