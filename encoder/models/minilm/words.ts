/**
 * The recipe `minilm-words`: late interaction over the words of a page. Every word piece's hidden state, projected to 128
 * dimensions, is a page vector that sits in its word's box. After them come those of the words of the document's name, which sit
 * nowhere. Questions go the same way.
 *
 * Zero-shot: the model was trained for mean pooling, but its token vectors score well by MaxSim once they are centred
 * (measured on Cranfield in `weights/MODEL_CARD.md`).
 *
 * @module
 */
import type { EncodedQuery } from "../../../shared/engine/contract.ts";
import { MAX_VECTORS_PER_PAGE } from "../../../shared/limits.ts";
import { NO_REGION } from "../../../shared/page.ts";
import { recipeFingerprint } from "../../../shared/recipe/fingerprint.ts";
import type { Recipe } from "../../../shared/recipe/recipe.ts";
import type { LoadOptions, Model, ModelPage, PageWords } from "../model.ts";
import { noTextPage } from "../text/no-text.ts";
import { MAX_NAME_PIECES, NameVectors } from "./name-vectors.ts";
import { preparePage, prepareQuery } from "./prepare.ts";
import { PROJECTED_DIM, projectedOutput, readProjection } from "./projection.ts";
import { loadTokenizer, type WordTokenizer } from "./tokens.ts";
import { loadTrunk, SPECIALS_PER_WINDOW, type Trunk, WINDOW_TOKENS } from "./trunk.ts";
import { weightsFiles } from "./weights.ts";
import { planWindows } from "./windows.ts";

/** Chosen and judged on halves of the questions: docs/evaluation.md, "What was tried to find more". */
const LENGTH_PRIOR = 0.03;

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
  lengthPrior: LENGTH_PRIOR,
  projection: weightsFiles.projection.sha256,
  dropped: "specials",
  documentNamePieces: MAX_NAME_PIECES,
  extra: { tokenizer: weightsFiles.tokenizer.sha256 },
};

class MiniLmWords implements Model {
  readonly recipe = minilmWordsRecipe;
  readonly recipeFingerprint: string;
  readonly #tokenizer: WordTokenizer;
  readonly #trunk: Trunk;
  readonly #names: NameVectors;

  constructor(fingerprint: string, tokenizer: WordTokenizer, trunk: Trunk) {
    this.recipeFingerprint = fingerprint;
    this.#tokenizer = tokenizer;
    this.#trunk = trunk;
    this.#names = new NameVectors(tokenizer, async (ids) => withoutSpecials(await trunk.run(ids)));
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
    if (ids.length === 0) return noTextPage(page, "words");
    const [text, wholeName] = await Promise.all([
      this.#encodeText(ids, wordOfToken),
      this.#names.of(page.documentName),
    ]);
    // A page with no more room is found by its own words alone.
    const name = wholeName.subarray(0, (MAX_VECTORS_PER_PAGE - ids.length) * PROJECTED_DIM);
    const nameVectorCount = name.length / PROJECTED_DIM;
    const vectors = new Float32Array(text.length + name.length);
    vectors.set(text);
    vectors.set(name, text.length);
    const regionOfVector = new Uint16Array(ids.length + nameVectorCount).fill(NO_REGION);
    regionOfVector.set(wordOfToken);
    return {
      pageNumber: page.pageNumber,
      width: page.width,
      height: page.height,
      status: "searchable",
      vectorCount: ids.length + nameVectorCount,
      vectors,
      geometry: { kind: "words", boxes, columns: 0, rows: 0, regionOfVector },
      text: words.join(" "),
      wordsLeftOut,
      ...(nameVectorCount === 0 ? {} : { nameVectorCount }),
    };
  }

  /** `[ids, dim]`, window by window. */
  async #encodeText(ids: readonly number[], wordOfToken: readonly number[]): Promise<Float32Array> {
    const vectors = new Float32Array(ids.length * PROJECTED_DIM);
    const windows = planWindows(wordOfToken, WINDOW_TOKENS - SPECIALS_PER_WINDOW);
    await Promise.all(
      windows.map(async ({ start, end }) => {
        const rows = await this.#trunk.run(ids.slice(start, end));
        vectors.set(withoutSpecials(rows), start * PROJECTED_DIM);
      }),
    );
    return vectors;
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
