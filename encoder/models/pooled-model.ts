/**
 * Recipes with token pooling: another recipe whose page vectors are pooled before they reach the index, see
 * `indexing/pooling.ts`. Questions are encoded as in the other recipe.
 *
 * @module
 */
import type { EncodedQuery } from "../../shared/engine/contract.ts";
import { recipeFingerprint } from "../../shared/recipe/fingerprint.ts";
import type { Recipe } from "../../shared/recipe/recipe.ts";
import { poolPage } from "../indexing/pooling.ts";
import type { Model, ModelPage, PageInput } from "./model.ts";

/** `recipe` with one page vector for every `factor`, called `minilm-words-pool2` and so on. */
export function pooledRecipe(recipe: Recipe, factor: number): Recipe {
  return { ...recipe, name: `${recipe.name}-pool${factor}`, tokenPooling: factor };
}

/** `model` as the model of {@link pooledRecipe}; disposing it disposes `model`. */
export async function poolModel(model: Model, factor: number): Promise<Model> {
  const recipe = pooledRecipe(model.recipe, factor);
  return new PooledModel(model, recipe, await recipeFingerprint(recipe), factor);
}

class PooledModel implements Model {
  readonly recipe: Recipe;
  readonly recipeFingerprint: string;
  readonly pictureLongEdgePx: number | undefined;
  readonly #model: Model;
  readonly #factor: number;

  constructor(model: Model, recipe: Recipe, fingerprint: string, factor: number) {
    this.recipe = recipe;
    this.recipeFingerprint = fingerprint;
    this.pictureLongEdgePx = model.pictureLongEdgePx;
    this.#model = model;
    this.#factor = factor;
  }

  async encodePages(pages: readonly PageInput[]): Promise<ModelPage[]> {
    const encoded = await this.#model.encodePages(pages);
    return encoded.map((page) => poolText(page, this.recipe.dim, this.#factor));
  }

  async encodeQuery(text: string): Promise<EncodedQuery> {
    return { ...(await this.#model.encodeQuery(text)), recipeFingerprint: this.recipeFingerprint };
  }

  async rest(): Promise<void> {
    await this.#model.rest?.();
  }

  async makeRoom(needed: boolean): Promise<void> {
    await this.#model.makeRoom?.(needed);
  }

  dispose(): Promise<void> {
    return this.#model.dispose();
  }
}

/** `page` with its own vectors pooled; those of the document's name say the same on all of its pages, and stay. */
function poolText(page: ModelPage, dim: number, factor: number): ModelPage {
  const { nameVectorCount = 0, vectors, vectorCount, geometry } = page;
  if (nameVectorCount === 0) return poolPage(page, dim, factor);
  const textCount = vectorCount - nameVectorCount;
  const { regionOfVector } = geometry;
  const text = {
    ...page,
    vectorCount: textCount,
    vectors: vectors.subarray(0, textCount * dim),
    geometry: { ...geometry, regionOfVector: regionOfVector.subarray(0, textCount) },
  };
  const pooled = poolPage(text, dim, factor);
  return {
    ...pooled,
    vectorCount: pooled.vectorCount + nameVectorCount,
    vectors: Float32Array.from([...pooled.vectors, ...vectors.subarray(textCount * dim)]),
    geometry: {
      ...geometry,
      regionOfVector: Uint16Array.from([...pooled.geometry.regionOfVector, ...regionOfVector.subarray(textCount)]),
    },
  };
}
