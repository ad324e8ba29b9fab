/**
 * `jina-colbert-v2`: multilingual, XLM-RoBERTa with rotary positions, 559 M parameters. Not for commercial use.
 *
 * Lengths, expansion and skiplist are those of its `artifact.metadata`: 32, 300, masks that everything attends to
 * (`attend_to_mask_tokens`), punctuation. The model reads up to 8,192 tokens; 300 is what its authors set.
 *
 * Where libraries differ: Stanford's code, which the authors trained with, and fastembed skip the first piece of each punctuation
 * mark, PyLate the token of that very name. In this vocabulary the first piece of a mark can be a bare `▁`, which then is skipped
 * wherever it stands, as before most Chinese words. We do what Stanford's does. fastembed takes 8,192 tokens of a document.
 *
 * @module
 */
import { colbertEntry } from "./entry.ts";
import type { ColbertFacts } from "./facts.ts";

const facts: ColbertFacts = {
  name: "jina-colbert-v2",
  model: "jinaai/jina-colbert-v2",
  // "fix: onnx linear layer": the commit that both graph files are of, and the one that MTEB measured.
  revision: "4cf816e5e2b03167b132a3c847a9ecd48ba708e1",
  dim: 128,
  // tokenizer_config.json of the repository.
  tokens: {
    cls: { text: "<s>", id: 0 },
    sep: { text: "</s>", id: 2 },
    mask: { text: "<mask>", id: 250_001 },
    pad: { text: "<pad>", id: 1 },
    query: { text: "[QueryMarker]", id: 250_002 },
    document: { text: "[DocumentMarker]", id: 250_003 },
  },
  queryLength: 32,
  expansion: "attended",
  documentLength: 300,
  skiplist: "first-piece",
  lowerCase: false,
  graph: { file: "onnx/model.onnx", data: ["onnx/model.onnx_data"] },
  // vllm serve jinaai/jina-colbert-v2 --hf-overrides '{"architectures": ["ColBERTJinaRobertaModel"]}' --trust-remote-code
  // (docs/models/pooling_models/specific_models.md of vLLM 0.32).
  vllm: true,
};

export const jinaColbertV2 = colbertEntry(facts, {
  repository: "jinaai/jina-colbert-v2",
  bytes: 2_240_000_000,
  licence: "CC-BY-NC-4.0",
  languages: ["multilingual"],
  parameters: "559 M",
  vectorsPerPage: "one a word piece without punctuation, and 3 a window of 300 tokens",
  unverified: [
    "the output's name: the graph's first output is taken, as fastembed does",
    "rare characters: the tokenizer library normalises by NFKC where XLM-RoBERTa has a table of its own",
  ],
});
