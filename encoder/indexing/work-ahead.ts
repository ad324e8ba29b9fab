/**
 * Work for a commit that is done before it, beside encoding: the codebook of a new index is trained when most of the pages
 * are there, and pages are coded as they come. What is not done in time, or fails, the commit does itself.
 *
 * @module
 */
import type { Codebook } from "../../shared/format/contract.ts";
import type { SpooledPage } from "./build-segment.ts";
import { type CodedPage, codeRows } from "./code-pages.ts";
import type { IndexCodebook } from "./index-codebook.ts";
import type { PageSpool } from "./spool-rotation.ts";
import { type IndexingStage, timed } from "./stage-times.ts";
import { chooseTrainingCount } from "./train-codebook.ts";
import type { VectorCoder } from "./vector-coder.ts";

/** As a commit codes them: fewer would be all overhead. */
const VECTORS_PER_RUN = 8_192;
/** Codes in memory: 36 MB at 16 subspaces. Pages beyond them are coded by the commit. */
const MAX_CODED_VECTORS = 2_000_000;
/** Two fifths of 100,000, from which on there are 2,048 centroids: 20 vectors for each, see `TRAINING_VECTORS_PER_CENTROID`. */
const MIN_TRAINING_VECTORS = 40_000;
/**
 * Bytes of a sample, as int8, beside which pages are still rendered and encoded: that of 16,384 centroids of 128 values, for as many
 * vectors as a commit has. Beyond that the commit trains.
 */
const MAX_TRAINING_BYTES = 64 * 1024 * 1024;
/**
 * From so many bytes on training is told of, and what else runs makes room: 131,072 vectors of 128 values train 4,096 centroids, for the better
 * part of a minute on two cores.
 */
const LARGE_TRAINING_BYTES = 16 * 1024 * 1024;
/** A codebook is for so many vectors more or fewer than it was trained for; half a power of two of centroids. */
const MAX_MISJUDGED = Math.SQRT2;

interface QueuedPage {
  spool: PageSpool;
  page: SpooledPage;
}

export interface WorkAheadOptions {
  codebook: Pick<IndexCodebook, "trainOn" | "coderFor">;
  dim: number;
  /** Vectors from which on a codebook is trained ahead; default {@link MIN_TRAINING_VECTORS}. */
  minTrainingVectors?: number | undefined;
  /** A large training begins, which may wait for it, or has ended. */
  onLargeTraining?: ((isUnderWay: boolean) => Promise<void>) | undefined;
  onStage?: ((stage: IndexingStage, seconds: number) => void) | undefined;
}

interface Trained {
  expectedVectors: number;
  codebook: Codebook;
}

export class WorkAhead {
  readonly #options: WorkAheadOptions;
  /** Pages to be coded, the oldest first. */
  #queue: QueuedPage[] = [];
  #queuedVectors = 0;
  /** Held codes; those of documents that failed are counted until the end. */
  #codedVectors = 0;
  #training: Promise<Trained | undefined> | undefined;
  #coding: Promise<void> | undefined;
  #coder: VectorCoder | undefined;
  #closed = false;

  constructor(options: WorkAheadOptions) {
    this.#options = options;
  }

  /** A page is in a spool. */
  add(spool: PageSpool, page: SpooledPage): void {
    if (page.vectorCount === 0 || this.#codedVectors >= MAX_CODED_VECTORS) return;
    this.#queue.push({ spool, page });
    this.#queuedVectors += page.vectorCount;
    this.#codeWhenDue();
  }

  /**
   * Begins to train on the pages so far, unless that has begun.
   *
   * @param expectedVectors - Of the first commit.
   */
  train(expectedVectors: number, subspaces: number | undefined): void {
    const { minTrainingVectors = MIN_TRAINING_VECTORS } = this.#options;
    if (this.#queuedVectors < minTrainingVectors) return;
    const { dim } = this.#options;
    const sampleBytes = chooseTrainingCount(expectedVectors, dim) * dim;
    if (sampleBytes > MAX_TRAINING_BYTES) return;
    if (this.#closed || this.#training !== undefined || this.#coder !== undefined) return;
    const train = async () => await this.#train(expectedVectors, subspaces);
    const training = sampleBytes >= LARGE_TRAINING_BYTES ? this.#withRoom(train) : train();
    this.#training = training.catch(() => undefined);
  }

  /** The codebook that was trained, once it is; undefined when there is none that suits so many vectors and subspaces. */
  async trained(vectorCount: number, subspaces: number | undefined): Promise<Codebook | undefined> {
    const trained = await this.#training;
    // For one commit: if that fails, the next one must not rely on what it stored long before.
    this.#training = undefined;
    if (trained === undefined || (subspaces ?? trained.codebook.subspaces) !== trained.codebook.subspaces)
      return undefined;
    const ratio = vectorCount / trained.expectedVectors;
    return ratio <= MAX_MISJUDGED && ratio >= 1 / MAX_MISJUDGED ? trained.codebook : undefined;
  }

  /** The index has this codebook: pages are coded under it from now on. */
  use(coder: VectorCoder): void {
    if (this.#coder?.codebook.id === coder.codebook.id) return;
    this.#coder = coder;
    this.#codeWhenDue();
  }

  /** Pages of a commit are in segments: their codes are not held any more. */
  release(pages: readonly SpooledPage[]): void {
    const done = new Set(pages);
    for (const { coded } of pages) this.#codedVectors -= coded?.centroidIds.length ?? 0;
    this.#queue = this.#queue.filter(({ page }) => !done.has(page));
    this.#queuedVectors = this.#queue.reduce((sum, { page }) => sum + page.vectorCount, 0);
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#training;
    await this.#coding;
  }

  async #withRoom<T>(train: () => Promise<T>): Promise<T> {
    const { onLargeTraining } = this.#options;
    try {
      await onLargeTraining?.(true);
      return await train();
    } finally {
      await onLargeTraining?.(false);
    }
  }

  async #train(expectedVectors: number, subspaces: number | undefined): Promise<Trained> {
    const bySpool = Map.groupBy(this.#queue, ({ spool }) => spool);
    const sources = [...bySpool].map(([spool, queued]) => {
      const pages = queued.map(({ page }) => page);
      return { spool, pages, vectorCount: pages.reduce((sum, page) => sum + page.vectorCount, 0) };
    });
    const { codebook: training, onStage } = this.#options;
    const onProgress = () => {
      // Nobody waits for a codebook that no commit will take.
      if (this.#closed) throw new Error("the writer was closed");
    };
    const train = async () => await training.trainOn(sources, { vectorCount: expectedVectors, subspaces, onProgress });
    const codebook = await timed(onStage, "train", train);
    // The index will have it, unless another writer is first: then the codes do not count.
    this.use(training.coderFor(codebook));
    return { expectedVectors, codebook };
  }

  #codeWhenDue(): void {
    if (this.#coding !== undefined || !this.#isDue()) return;
    this.#coding = this.#code().finally(() => (this.#coding = undefined));
  }

  #isDue(): boolean {
    if (this.#closed || this.#coder === undefined) return false;
    return this.#queuedVectors >= VECTORS_PER_RUN && this.#codedVectors < MAX_CODED_VECTORS;
  }

  /** Never throws: the spool of a document that failed may be gone. */
  async #code(): Promise<void> {
    while (this.#coder !== undefined && this.#isDue()) {
      const batch = this.#takeBatch();
      const coder = this.#coder;
      const code = async () => await codeBatch(coder, batch, this.#options.dim);
      const coded = await timed(this.#options.onStage, "code", code).catch(() => []);
      for (const [at, codes] of coded.entries()) {
        const page = batch[at]?.page;
        if (page === undefined) continue;
        page.coded = codes;
        this.#codedVectors += page.vectorCount;
      }
    }
  }

  #takeBatch(): QueuedPage[] {
    let vectors = 0;
    let count = 0;
    while (vectors < VECTORS_PER_RUN && count < this.#queue.length)
      vectors += this.#queue[count++]?.page.vectorCount ?? 0;
    this.#queuedVectors -= vectors;
    return this.#queue.splice(0, count);
  }
}

async function codeBatch(coder: VectorCoder, batch: readonly QueuedPage[], dim: number): Promise<CodedPage[]> {
  const pages = await Promise.all(batch.map(async ({ spool, page }) => await spool.read(page)));
  return await codeRows(
    coder,
    pages.map(({ exact }) => exact),
    dim,
  );
}
