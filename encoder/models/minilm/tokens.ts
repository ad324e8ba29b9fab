/**
 * The tokenizer of the MiniLM recipes: BERT's uncased word pieces.
 *
 * @module
 */
import { readTokenizer, type WordTokenizer } from "../text/word-tokenizer.ts";
import { readWeights, weightsFiles } from "./weights.ts";

export type { WordPiece, WordTokenizer } from "../text/word-tokenizer.ts";

export const CLS_ID = 101;
export const SEP_ID = 102;

/** The tokenizer of `weights/`. Errors: `model_unavailable`. */
export async function loadTokenizer(folder?: URL): Promise<WordTokenizer> {
  const [tokenizer, config] = await Promise.all([
    readWeights(weightsFiles.tokenizer, folder),
    readWeights(weightsFiles.tokenizerConfig, folder),
  ]);
  return readTokenizer(tokenizer, { name: "all-MiniLM-L6-v2", config });
}
