/**
 * The recipe `minilm-dense`: the baseline that late interaction is compared with. One vector per window, the mean of its
 * hidden states as the model was trained, and one for the question. It goes through the same index and the same scoring:
 * MaxSim of one query vector is the best window's cosine.
 *
 * @module
 */
import type { EncodedQuery } from "../../../shared/engine/contract.ts";
import { recipeFingerprint } from "../../../shared/recipe/fingerprint.ts";
import type { Recipe } from "../../../shared/recipe/recipe.ts";
import type { LoadOptions, Model, ModelPage, PageWords } from "../model.ts";
import { noTextPage } from "../text/no-text.ts";
import { preparePage, prepareQuery } from "./prepare.ts";
import { normalize } from "./projection.ts";
import { loadTokenizer, type WordTokenizer } from "./tokens.ts";
import { HIDDEN_DIM, loadTrunk, SPECIALS_PER_WINDOW, type Trunk, WINDOW_TOKENS } from "./trunk.ts";
import { weightsFiles } from "./weights.ts";
import { planWindows, type TokenWindow } from "./windows.ts";

export const minilmDenseRecipe: Recipe = {
  name: "minilm-dense",
  model: "sentence-transformers/all-MiniLM-L6-v2 (int8)",
  revision: weightsFiles.graph.sha256,
  dim: HIDDEN_DIM,
  interaction: "dense",
  geometry: "regions",
  queryPrefix: "",
  documentPrefix: "",
  windowTokens: WINDOW_TOKENS,
  windowOverlapTokens: 0,
  pooling: "mean",
  projection: "none",
  dropped: "none",
  extra: { tokenizer: weightsFiles.tokenizer.sha256 },
};

class MiniLmDense implements Model {
  readonly recipe = minilmDenseRecipe;
  readonly recipeFingerprint: string;
  readonly #tokenizer: WordTokenizer;
  readonly #trunk: Trunk;

  constructor(fingerprint: string, tokenizer: WordTokenizer, trunk: Trunk) {
    this.recipeFingerprint = fingerprint;
    this.#tokenizer = tokenizer;
    this.#trunk = trunk;
  }

  async encodePages(pages: readonly PageWords[]): Promise<ModelPage[]> {
    return await Promise.all(pages.map((page) => this.#encodePage(page)));
  }

  async encodeQuery(text: string): Promise<EncodedQuery> {
    const { ids } = prepareQuery(text, this.#tokenizer);
    const vectors = new Float32Array(HIDDEN_DIM);
    meanPool(await this.#trunk.run(ids, "query"), vectors);
    return {
      recipeFingerprint: this.recipeFingerprint,
      dim: HIDDEN_DIM,
      tokenCount: 1,
      vectors,
      tokens: [{ text, start: 0, end: text.length }],
    };
  }

  rest(): Promise<void> {
    return this.#trunk.rest();
  }

  makeRoom(needed: boolean): Promise<void> {
    return this.#trunk.makeRoom(needed);
  }

  dispose(): Promise<void> {
    return this.#trunk.dispose();
  }

  async #encodePage(page: PageWords): Promise<ModelPage> {
    const { words, boxes, ids, wordOfToken, wordsLeftOut } = preparePage(page, this.#tokenizer);
    if (ids.length === 0) return noTextPage(page, "regions");
    const windows = planWindows(wordOfToken, WINDOW_TOKENS - SPECIALS_PER_WINDOW);
    const vectors = new Float32Array(windows.length * HIDDEN_DIM);
    await Promise.all(
      windows.map(async ({ start, end }, index) => {
        const vector = vectors.subarray(index * HIDDEN_DIM, (index + 1) * HIDDEN_DIM);
        meanPool(await this.#trunk.run(ids.slice(start, end)), vector);
      }),
    );
    return {
      pageNumber: page.pageNumber,
      width: page.width,
      height: page.height,
      status: "searchable",
      vectorCount: windows.length,
      vectors,
      geometry: {
        kind: "regions",
        boxes: Uint16Array.from(windows.flatMap((window) => windowBox(window, wordOfToken, boxes))),
        columns: 0,
        rows: 0,
        regionOfVector: Uint16Array.from(windows.keys()),
      },
      text: words.join(" "),
      wordsLeftOut,
    };
  }
}

/** Mean of the rows of `hidden` `[n, 384]`, specials included as in training, scaled to length 1, into `vector` `[384]`. */
function meanPool(hidden: Float32Array, vector: Float32Array): void {
  vector.fill(0);
  for (let i = 0; i < hidden.length; i++) {
    const d = i % HIDDEN_DIM;
    vector[d] = (vector[d] ?? 0) + (hidden[i] ?? 0);
  }
  normalize(vector);
}

/** The smallest box around a window's words: x0, y0, x1, y1. */
function windowBox(window: TokenWindow, wordOfToken: readonly number[], boxes: Uint16Array): number[] {
  const firstWord = wordOfToken[window.start] ?? 0;
  const lastWord = wordOfToken[window.end - 1] ?? firstWord;
  const box = [Infinity, Infinity, 0, 0];
  for (let word = firstWord; word <= lastWord; word++) {
    const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = boxes.subarray(word * 4, word * 4 + 4);
    const [left = 0, top = 0, right = 0, bottom = 0] = box;
    box.splice(0, 4, Math.min(left, x0), Math.min(top, y0), Math.max(right, x1), Math.max(bottom, y1));
  }
  return box;
}

/** Loads `minilm-dense`. Errors: `model_unavailable`. */
export async function loadMiniLmDense(options: LoadOptions = {}): Promise<Model> {
  const [fingerprint, tokenizer, trunk] = await Promise.all([
    recipeFingerprint(minilmDenseRecipe),
    loadTokenizer(),
    loadTrunk(options),
  ]);
  return new MiniLmDense(fingerprint, tokenizer, trunk);
}
