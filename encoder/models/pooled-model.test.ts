import { describe, expect, it } from "vitest";
import type { EncodedQuery } from "../../shared/engine/contract.ts";
import { recipeFingerprint } from "../../shared/recipe/fingerprint.ts";
import { testRecipe } from "../../shared/recipe/testing.ts";
import { poolPage } from "../indexing/pooling.ts";
import { encodedPage, topicVectors } from "../indexing/testing.ts";
import type { Model, ModelPage } from "./model.ts";
import { poolModel, pooledRecipe } from "./pooled-model.ts";

const DIM = 4;

class FakeModel implements Model {
  readonly recipe = testRecipe({ dim: DIM });
  readonly recipeFingerprint = "0123456789abcdef";
  disposed = 0;

  pageAt(count: number): ModelPage {
    const vectors = topicVectors({ count, dim: DIM, topics: 3, spread: 0.5, seed: count });
    return { ...encodedPage(vectors, count), wordsLeftOut: 1 };
  }

  async encodePages(pages: readonly { pageNumber: number }[]): Promise<ModelPage[]> {
    return pages.map(({ pageNumber }) => this.pageAt(pageNumber));
  }

  async encodeQuery(): Promise<EncodedQuery> {
    const vectors = Float32Array.of(1, 0, 0, 0);
    const tokens = [{ text: "a", start: 0, end: 1 }];
    return { recipeFingerprint: this.recipeFingerprint, dim: DIM, tokenCount: 1, vectors, tokens };
  }

  async dispose(): Promise<void> {
    this.disposed++;
  }
}

describe("poolModel", () => {
  it("pools pages, not questions, under its own name and fingerprint", async () => {
    const model = new FakeModel();
    const pooled = await poolModel(model, 3);
    expect(pooled.recipe).toEqual({ ...model.recipe, name: "test-words-pool3", tokenPooling: 3 });
    expect(pooled.recipeFingerprint).toBe(await recipeFingerprint(pooledRecipe(model.recipe, 3)));

    const pages = [7, 20].map((pageNumber) => ({ pageNumber, width: 1, height: 1, words: [] }));
    expect(await pooled.encodePages(pages)).toEqual([7, 20].map((count) => poolPage(model.pageAt(count), DIM, 3)));
    const query = await pooled.encodeQuery("a");
    expect(query).toEqual({ ...(await model.encodeQuery()), recipeFingerprint: pooled.recipeFingerprint });

    await pooled.dispose();
    expect(model.disposed).toBe(1);
  });

  it("leaves the vectors of the document's name as they are", async () => {
    const model = new FakeModel();
    const named: Model = {
      recipe: model.recipe,
      recipeFingerprint: model.recipeFingerprint,
      encodePages: async () => [{ ...model.pageAt(10), nameVectorCount: 3 }],
      encodeQuery: () => model.encodeQuery(),
      dispose: () => model.dispose(),
    };
    const [page] = await (await poolModel(named, 2)).encodePages([]);
    const whole = model.pageAt(10);
    const { regionOfVector } = whole.geometry;
    const text = poolPage(
      {
        ...whole,
        vectorCount: 7,
        vectors: whole.vectors.slice(0, 7 * DIM),
        geometry: { ...whole.geometry, regionOfVector: regionOfVector.slice(0, 7) },
      },
      DIM,
      2,
    );
    expect(page).toMatchObject({ vectorCount: 4 + 3, nameVectorCount: 3 });
    expect(page?.vectors).toEqual(Float32Array.from([...text.vectors, ...whole.vectors.subarray(7 * DIM)]));
    expect(page?.geometry.regionOfVector).toEqual(
      Uint16Array.from([...text.geometry.regionOfVector, ...regionOfVector.subarray(7)]),
    );
  });
});
