/**
 * A loaded ColBERT model: words in, one vector a token out.
 *
 * @module
 */
import type { EncodedQuery } from "../../../shared/engine/contract.ts";
import { MaxleafError } from "../../../shared/errors.ts";
import type { Recipe } from "../../../shared/recipe/recipe.ts";
import type { GraphRunner, ItemInputs, ItemTensor, RunPriority, TokenVectors } from "../../backends/contract.ts";
import type { Model, ModelPage, PageInput } from "../model.ts";
import { noTextPage } from "../text/no-text.ts";
import type { ColbertFacts } from "./facts.ts";
import { type PageWindow, preparePage, type PreparedPage } from "./prepare-page.ts";
import { prepareQuery } from "./prepare-query.ts";
import type { ColbertVocabulary } from "./vocabulary.ts";

/** Windows that one call has in the runner's queue at a time: enough to fill its runs, few enough to leave room to others. */
const WINDOWS_IN_FLIGHT = 64;

export interface ColbertParts {
  facts: ColbertFacts;
  recipe: Recipe;
  recipeFingerprint: string;
  vocabulary: ColbertVocabulary;
  runner: GraphRunner;
}

export class ColbertModel implements Model {
  readonly recipe: Recipe;
  readonly recipeFingerprint: string;
  readonly #facts: ColbertFacts;
  readonly #vocabulary: ColbertVocabulary;
  readonly #runner: GraphRunner;

  constructor({ facts, recipe, recipeFingerprint, vocabulary, runner }: ColbertParts) {
    this.recipe = recipe;
    this.recipeFingerprint = recipeFingerprint;
    this.#facts = facts;
    this.#vocabulary = vocabulary;
    this.#runner = runner;
  }

  /** Windows of all pages go through the graph together, so that short pages fill a run. */
  async encodePages(pages: readonly PageInput[]): Promise<ModelPage[]> {
    const prepared = pages.map((page) => preparePage(page, this.#facts, this.#vocabulary));
    const targets = prepared.map((page) => new Float32Array(page.vectorCount * this.recipe.dim));
    const tasks = prepared.flatMap((page, p) => placeWindows(page, targets[p] ?? new Float32Array()));
    for (let start = 0; start < tasks.length; start += WINDOWS_IN_FLIGHT) {
      await this.#encodeWindows(tasks.slice(start, start + WINDOWS_IN_FLIGHT));
    }
    return pages.map((page, p) => finishPage(page, prepared[p], targets[p]));
  }

  async encodeQuery(text: string): Promise<EncodedQuery> {
    const { ids, attention, tokens } = prepareQuery(text, this.#facts, this.#vocabulary);
    const [result] = await this.#run([this.#inputs(ids, attention)], "query");
    const vectors = new Float32Array(ids.length * this.recipe.dim);
    for (const position of ids.keys()) this.#copyUnit(result, position, vectors, position);
    return {
      recipeFingerprint: this.recipeFingerprint,
      dim: this.recipe.dim,
      tokenCount: ids.length,
      vectors,
      tokens,
    };
  }

  dispose(): Promise<void> {
    return this.#runner.dispose();
  }

  async #encodeWindows(tasks: readonly WindowTask[]): Promise<void> {
    const results = await this.#run(tasks.map(({ window }) => this.#inputs(window.ids)));
    for (const [t, { window, target, firstRow }] of tasks.entries()) {
      for (const [k, position] of window.kept.entries()) this.#copyUnit(results[t], position, target, firstRow + k);
    }
  }

  /** Errors: `model_unavailable` when the runner gives other vectors than one of `dim` numbers for every token. */
  async #run(items: readonly ItemInputs[], priority: RunPriority = "page"): Promise<TokenVectors[]> {
    const results = await this.#runner.run(items, priority);
    if (results.length !== items.length) {
      throw this.#broken(`gave ${results.length} results for ${items.length} texts`);
    }
    for (const [i, { tokenCount, dim, values }] of results.entries()) {
      const expected = items[i]?.["input_ids"]?.data.length;
      if (tokenCount === expected && dim === this.recipe.dim && values.length === tokenCount * dim) continue;
      throw this.#broken(
        `gave ${tokenCount} vectors of ${dim} in ${values.length} numbers for a text of ${expected} tokens, not ${expected} of ${this.recipe.dim}`,
      );
    }
    return results;
  }

  #inputs(ids: readonly number[], attention?: readonly number[]): ItemInputs {
    return {
      input_ids: int64s(ids, this.#facts.tokens.pad.id),
      attention_mask: int64s(attention ?? ids.map(() => 1), 0),
      token_type_ids: int64s(
        ids.map(() => 0),
        0,
      ),
    };
  }

  /** Most graphs give rows of length 1; a graph in half precision does not quite. */
  #copyUnit(source: TokenVectors | undefined, row: number, target: Float32Array, targetRow: number): void {
    const { dim } = this.recipe;
    const vector = source?.values.subarray(row * dim, (row + 1) * dim) ?? new Float32Array();
    const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
    if (!Number.isFinite(length) || length === 0) throw this.#broken(`gave a vector of length ${length}`);
    for (const [d, value] of vector.entries()) target[targetRow * dim + d] = value / length;
  }

  #broken(what: string): MaxleafError {
    return new MaxleafError("model_unavailable", `the encoder of ${this.recipe.name} ${what}`);
  }
}

interface WindowTask {
  window: PageWindow;
  /** Vectors of the window's page. */
  target: Float32Array;
  firstRow: number;
}

function placeWindows({ windows }: PreparedPage, target: Float32Array): WindowTask[] {
  let firstRow = 0;
  return windows.map((window) => {
    const task = { window, target, firstRow };
    firstRow += window.kept.length;
    return task;
  });
}

function finishPage(page: PageInput, prepared?: PreparedPage, vectors?: Float32Array): ModelPage {
  if (prepared === undefined || vectors === undefined) return noTextPage(page, "words");
  const { words, boxes, windows, vectorCount, wordsLeftOut } = prepared;
  if (vectorCount === 0) return { ...noTextPage(page, "words"), wordsLeftOut };
  const regionOfVector = Uint16Array.from(windows.flatMap(({ wordOfKept }) => wordOfKept));
  return {
    pageNumber: page.pageNumber,
    width: page.width,
    height: page.height,
    status: "searchable",
    vectorCount,
    vectors,
    geometry: { kind: "words", boxes, columns: 0, rows: 0, regionOfVector },
    text: words.join(" "),
    wordsLeftOut,
  };
}

function int64s(values: readonly number[], padValue: number): ItemTensor {
  return {
    type: "int64",
    dims: [values.length],
    data: BigInt64Array.from(values, BigInt),
    pad: { value: padValue, side: "right" },
  };
}
