/**
 * Questions to vectors in this process: every recipe's model is loaded once, at its first question.
 *
 * @module
 */
import type { EncodedQuery, QueryEncoder } from "../../shared/engine/contract.ts";
import type { Recipe } from "../../shared/recipe/recipe.ts";
import type { LoadOptions, Model } from "../models/model.ts";
import { loadModel } from "../models/registry.ts";

/** A question's vectors and the recipe, as loaded, that made them. */
export interface QueryWithRecipe {
  encoded: EncodedQuery;
  loadedRecipe: Recipe;
}

export interface ServiceEncoder {
  encode(recipeName: string, query: string): Promise<QueryWithRecipe>;
}

/** A {@link QueryEncoder} that holds models. Errors of both ways to encode: those of `loadModel` and `Model.encodeQuery`. */
export class LocalQueryEncoder implements QueryEncoder, ServiceEncoder {
  readonly #options: LoadOptions;
  readonly #models = new Map<string, Promise<Model>>();

  constructor(options: LoadOptions = {}) {
    this.#options = options;
  }

  /** Loads a recipe's model now, so that its first question need not wait. */
  async preload(recipeName: string): Promise<void> {
    await this.#model(recipeName);
  }

  async encodeQuery(recipeName: string, query: string): Promise<EncodedQuery> {
    return (await this.encode(recipeName, query)).encoded;
  }

  async encode(recipeName: string, query: string): Promise<QueryWithRecipe> {
    const model = await this.#model(recipeName);
    return { encoded: await model.encodeQuery(query), loadedRecipe: model.recipe };
  }

  /** Frees every model; the encoder must not be used afterwards. */
  async dispose(): Promise<void> {
    const loading = [...this.#models.values()];
    this.#models.clear();
    const settled = await Promise.allSettled(loading);
    const loaded = settled.filter((result) => result.status === "fulfilled").map((result) => result.value);
    await Promise.all(loaded.map((model) => model.dispose()));
  }

  #model(recipeName: string): Promise<Model> {
    const known = this.#models.get(recipeName);
    if (known !== undefined) return known;
    const loading = loadModel(recipeName, this.#options);
    this.#models.set(recipeName, loading);
    // A failure is not kept: the files may be there the next time.
    loading.catch(() => this.#models.delete(recipeName));
    return loading;
  }
}
