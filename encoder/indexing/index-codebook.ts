/**
 * The codebook of an index being written: trained once, then read when needed.
 *
 * @module
 */
import { cellCountOf } from "../../shared/format/cells.ts";
import { encodeCodebook, readCodebook } from "../../shared/format/codebook.ts";
import type { Codebook } from "../../shared/format/contract.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import type { Recipe } from "../../shared/recipe/recipe.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import type { SpooledDocument } from "./build-segment.ts";
import type { MatrixRunner } from "./matrix-runner.ts";
import { chooseTrainingCount, trainCodebook, type TrainingOptions } from "./train-codebook.ts";
import { drawTrainingSample } from "./training-sample.ts";
import { VectorCoder } from "./vector-coder.ts";

export interface IndexCodebookOptions {
  store: ObjectStore;
  index: string;
  recipe: Recipe;
  recipeFingerprint: string;
  runner: MatrixRunner;
}

export class IndexCodebook {
  readonly #options: IndexCodebookOptions;
  #coder: VectorCoder | undefined;

  constructor(options: IndexCodebookOptions) {
    this.#options = options;
  }

  /**
   * Trains and stores a codebook of so many subspaces, by default as many as suit the dimension; undefined when there is no
   * vector to train on. `onProgress` gets 0 … 1.
   */
  async train(
    documents: readonly SpooledDocument[],
    onProgress: (share: number) => void,
    subspaces?: number,
  ): Promise<Manifest["codebook"]> {
    const vectorCount = documents.reduce((sum, document) => sum + document.vectorCount, 0);
    if (vectorCount === 0) return undefined;
    return await this.store(await this.trainOn(documents, { vectorCount, subspaces, onProgress }), vectorCount);
  }

  /** A codebook for `vectorCount` vectors like those of `pages`; it is not stored. */
  async trainOn(
    pages: Parameters<typeof drawTrainingSample>[0],
    options: Omit<TrainingOptions, "recipeFingerprint">,
  ): Promise<Codebook> {
    const { recipe, recipeFingerprint, runner } = this.#options;
    const count = chooseTrainingCount(options.vectorCount, recipe.dim);
    const sample = await drawTrainingSample(pages, recipe.dim, count);
    return await trainCodebook(runner, sample, { ...options, recipeFingerprint });
  }

  /** Stores a codebook of {@link trainOn} for an index of `vectorCount` vectors. */
  async store(codebook: Codebook, vectorCount: number): Promise<NonNullable<Manifest["codebook"]>> {
    const { store, index } = this.#options;
    const bytes = encodeCodebook(codebook);
    await store.put(layout.codebook(index, codebook.id), bytes, { onlyIf: "absent" });
    this.coderFor(codebook);
    const { id, centroidCount, cells, training } = codebook;
    return {
      id,
      bytes: bytes.byteLength,
      centroidCount,
      subspaces: codebook.subspaces,
      cellCount: cellCountOf(cells),
      meanResidualNorm: training.meanResidualNorm,
      trainedOnVectors: vectorCount,
    };
  }

  /** A coder for a codebook that need not be stored yet. */
  coderFor(codebook: Codebook): VectorCoder {
    if (this.#coder?.codebook.id !== codebook.id) this.#coder = new VectorCoder(this.#options.runner, codebook);
    return this.#coder;
  }

  /** A coder for the codebook `codebookId`, which is stored. Errors: those of `readCodebook`. */
  async coderOf(codebookId: string): Promise<VectorCoder> {
    if (this.#coder?.codebook.id === codebookId) return this.#coder;
    const { store, index, recipe, recipeFingerprint } = this.#options;
    const expected = { recipeFingerprint, dim: recipe.dim };
    const codebook: Codebook = await readCodebook(store, index, codebookId, expected);
    return this.coderFor(codebook);
  }
}
