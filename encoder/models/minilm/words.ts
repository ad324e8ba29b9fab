/**
 * The recipe `minilm-words`: late interaction over the words of a page. Every word piece's hidden state, projected to 128
 * dimensions, is a page vector that sits in its word's box. Questions go the same way.
 *
 * Zero-shot: the model was trained for mean pooling, but its token vectors score well by MaxSim once they are centred
 * (measured on Cranfield in `weights/MODEL_CARD.md`).
 *
 * @module
 */
import type { EncodedQuery } from "../../../shared/engine/contract.ts";
import { recipeFingerprint } from "../../../shared/recipe/fingerprint.ts";
import type { Recipe } from "../../../shared/recipe/recipe.ts";
import type { LoadOptions, Model, ModelPage, PageWords } from "../model.ts";
import { noTextPage } from "../text/no-text.ts";
import { preparePage, prepareQuery } from "./prepare.ts";
import { PROJECTED_DIM, projectedOutput, readProjection } from "./projection.ts";
import { loadTokenizer, type WordTokenizer } from "./tokens.ts";
import { loadTrunk, SPECIALS_PER_WINDOW, type Trunk, WINDOW_TOKENS } from "./trunk.ts";
import { weightsFiles } from "./weights.ts";
import { planWindows } from "./windows.ts";

export const minilmWordsRecipe: Recipe = {
  name: "minilm-words",
  model: "sentence-transformers/all-MiniLM-L6-v2 (int8)",
  revision: weightsFiles.graph.sha256,
  dim: PROJECTED_DIM,
  interaction: "late",
  geometry: "words",
  queryPrefix: "",
  documentPrefix: "",
  windowTokens: WINDOW_TOKENS,
  windowOverlapTokens: 0,
  pooling: "none",
  projection: weightsFiles.projection.sha256,
  dropped: "specials",
  extra: { tokenizer: weightsFiles.tokenizer.sha256 },
};

class MiniLmWords implements Model {
  readonly recipe = minilmWordsRecipe;
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
    const { ids, tokens } = prepareQuery(text, this.#tokenizer);
    const vectors = withoutSpecials(await this.#trunk.run(ids, "query")).slice();
    return {
      recipeFingerprint: this.recipeFingerprint,
      dim: PROJECTED_DIM,
      tokenCount: ids.length,
      vectors,
      tokens,
    };
  }

  dispose(): Promise<void> {
    return this.#trunk.dispose();
  }

  async #encodePage(page: PageWords): Promise<ModelPage> {
    const { words, boxes, ids, wordOfToken, wordsLeftOut } = preparePage(page, this.#tokenizer);
    if (ids.length === 0) return noTextPage(page, "words");
    const vectors = new Float32Array(ids.length * PROJECTED_DIM);
    const windows = planWindows(wordOfToken, WINDOW_TOKENS - SPECIALS_PER_WINDOW);
    await Promise.all(
      windows.map(async ({ start, end }) => {
        const rows = await this.#trunk.run(ids.slice(start, end));
        vectors.set(withoutSpecials(rows), start * PROJECTED_DIM);
      }),
    );
    return {
      pageNumber: page.pageNumber,
      width: page.width,
      height: page.height,
      status: "searchable",
      vectorCount: ids.length,
      vectors,
      geometry: { kind: "words", boxes, columns: 0, rows: 0, regionOfVector: Uint16Array.from(wordOfToken) },
      text: words.join(" "),
      wordsLeftOut,
    };
  }
}

/** The rows between [CLS] and [SEP]. */
function withoutSpecials(rows: Float32Array): Float32Array {
  return rows.subarray(PROJECTED_DIM, rows.length - PROJECTED_DIM);
}

/** Loads `minilm-words`. Errors: `model_unavailable`. */
export async function loadMiniLmWords(options: LoadOptions = {}): Promise<Model> {
  const [fingerprint, tokenizer, trunk] = await Promise.all([
    recipeFingerprint(minilmWordsRecipe),
    loadTokenizer(),
    loadProjectedTrunk(options),
  ]);
  return new MiniLmWords(fingerprint, tokenizer, trunk);
}

async function loadProjectedTrunk(options: LoadOptions): Promise<Trunk> {
  const { centre, matrix } = await readProjection();
  return await loadTrunk(options, projectedOutput(centre, matrix));
}
