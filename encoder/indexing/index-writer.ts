/**
 * Adds documents to an index. Pages wait in a temporary file until {@link IndexWriter.commit} codes them, stores them as
 * segments and makes them part of the index in one step; the first commit trains the codebook.
 *
 * @module
 */
import PQueue from "p-queue";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
import type { Manifest, SegmentEntry } from "../../shared/format/manifest.ts";
import { segmentIdentityOf } from "../../shared/format/segment-identity.ts";
import { parseIndexName } from "../../shared/names.ts";
import type { DocumentEntry, EncodedPage } from "../../shared/page.ts";
import { systemClock } from "../../shared/ports.ts";
import { recipeFingerprint } from "../../shared/recipe/fingerprint.ts";
import { requireSameRecipe } from "../../shared/recipe/mismatch.ts";
import type { Recipe } from "../../shared/recipe/recipe.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ExecutionProvider } from "../models/onnx-session.ts";
import { buildSegment, type SpooledDocument } from "./build-segment.ts";
import { codebookDrift, STALE_CODEBOOK_GROWTH } from "./codebook-drift.ts";
import {
  CodebookChangedError,
  type CommitTarget,
  type CommittedChange,
  commitSegments,
  droppedMeanwhile,
  removeObjects,
} from "./commit-changes.ts";
import { DocumentTables, type LiveDocument } from "./document-index.ts";
import { IndexCodebook } from "./index-codebook.ts";
import { buildInvertedFile, needsInvertedFile } from "./inverted-file.ts";
import { MatrixRunner } from "./matrix-runner.ts";
import { type HeldDocument, PendingDocuments } from "./pending-documents.ts";
import { planSegments, type SegmentLimits, segmentLimits } from "./plan-segments.ts";
import { type IndexingStage, timed } from "./stage-times.ts";
import { WorkAhead } from "./work-ahead.ts";

/** An index gets a codebook once, and is rarely trained anew; meeting another writer's twice means that more goes on. */
const MAX_CODING_ATTEMPTS = 3;

export interface IndexWriterOptions extends CommitTarget {
  recipe: Recipe;
  /** Threads of training and coding. */
  threads?: number | undefined;
  /** Where they run; `auto` by default. */
  executionProvider?: ExecutionProvider | undefined;
  /** Where the temporary file is made; default: the system's folder for such. */
  spoolFolder?: string | undefined;
  /** Smaller segments than by default. */
  limits?: SegmentLimits | undefined;
  /** Ids in bags that may do without an inverted file, when fewer than by default; see {@link needsInvertedFile}. */
  maxUncoveredBagEntries?: number | undefined;
  /**
   * A document that takes the place of an older version keeps that one's metadata, as it is when the commit comes: it may have
   * changed since the entry was made. Otherwise the entry's own counts.
   */
  keepsMetadata?: boolean | undefined;
  /** Vectors from which on a codebook is trained ahead of its commit, when fewer than by default. */
  minTrainingVectors?: number | undefined;
  onProgress?: ((progress: IndexingProgress) => void) | undefined;
  /** A large codebook begins to be trained beside the pages, or has been: see {@link WorkAhead}. */
  onLargeTraining?: ((isUnderWay: boolean) => Promise<void>) | undefined;
  /** How long each part of a commit took. */
  onStage?: ((stage: IndexingStage, seconds: number) => void) | undefined;
}

/** How far a commit, or the calibration after it, is. `share` is 0 … 1. */
export interface IndexingProgress {
  stage: "training" | "coding" | "inverting" | "calibrating";
  share: number;
}

export interface CommitReport {
  manifestVersion: number;
  documents: number;
  /** Of `documents`: those that took the place of an older version. */
  replaced: number;
  pages: number;
  searchablePages: number;
  vectors: number;
  segments: number;
  /** The index got its codebook in this commit. */
  trained: boolean;
  /** How much rougher than its training vectors the codebook codes what was added: see {@link codebookDrift}. */
  drift: number | undefined;
  /** The index has an inverted file, made or left by this commit. */
  inverted: boolean;
  /** The index has outgrown its codebook: searches get slower and less exact until it is trained again. */
  codebookStale: boolean;
}

/** One process may have several writers, and an index several processes writing it. Methods may be called concurrently. */
export class IndexWriter {
  readonly #options: IndexWriterOptions & { recipeFingerprint: string };
  readonly #runner: MatrixRunner;
  readonly #tables: DocumentTables;
  readonly #commits = new PQueue({ concurrency: 1 });
  readonly #pending: PendingDocuments;
  readonly #codebook: IndexCodebook;
  readonly #ahead: WorkAhead;
  /** Until the index was seen: one that is not there any more then was dropped, and must not come back by halves. */
  #mayCreate: boolean;

  private constructor(
    options: IndexWriterOptions & { recipeFingerprint: string },
    runner: MatrixRunner,
    mayCreate: boolean,
  ) {
    this.#options = options;
    this.#runner = runner;
    this.#mayCreate = mayCreate;
    const { recipe, spoolFolder, clock = systemClock, minTrainingVectors, onLargeTraining, onStage } = options;
    this.#pending = new PendingDocuments(recipe.dim, spoolFolder, clock, (...page) => this.#ahead.add(...page));
    this.#tables = new DocumentTables(options.store, options.index);
    this.#codebook = new IndexCodebook({ ...options, runner });
    const codebook = this.#codebook;
    this.#ahead = new WorkAhead({ codebook, dim: recipe.dim, minTrainingVectors, onLargeTraining, onStage });
  }

  /**
   * A writer for an index, which need not exist yet: the first commit creates it.
   *
   * @throws MaxleafError `invalid_name`; `recipe_mismatch` when the index exists under another recipe; `model_unavailable`
   *   when CUDA is asked for and is not there.
   */
  static async open(given: IndexWriterOptions): Promise<IndexWriter> {
    const options = { ...given, recipeFingerprint: await recipeFingerprint(given.recipe) };
    const manifest = await readManifest(options.store, parseIndexName(options.index));
    if (manifest !== undefined) requireSameRecipe(options.index, manifest, options);
    const { threads, executionProvider } = options;
    const runner = await MatrixRunner.create({ threads, executionProvider });
    return new IndexWriter(options, runner, manifest === undefined);
  }

  /** The documents of the index as committed, by id: one with the same revision needs no ingestion. */
  async liveDocuments(): Promise<ReadonlyMap<string, LiveDocument>> {
    const manifest = await readManifest(this.#options.store, this.#options.index);
    return manifest === undefined ? new Map() : await this.#tables.liveDocuments(manifest);
  }

  /**
   * Puts a document aside for the next commit. Its images must be stored when `pages` ends: from then on a commit may
   * show it. When `pages` throws, nothing of the document is kept, and other documents are not touched. A document with
   * the id of an older one takes its place.
   *
   * @throws MaxleafError `file_empty` without pages; `internal` for pages that no index can hold; what `pages` throws.
   */
  async addDocument(entry: DocumentEntry, pages: Iterable<EncodedPage> | AsyncIterable<EncodedPage>): Promise<void> {
    await this.#pending.add(entry, pages);
  }

  /**
   * Begins now with what the next commit would do, beside the work on further documents: pages are coded as they come, and
   * an index without a codebook gets one trained on the pages so far. May be called again at any time.
   *
   * @param expectedVectors - Of the next commit, as far as that can be told. Misjudged too far, the commit trains anew.
   *
   * Errors: those of reading the manifest and the codebook.
   */
  async workAhead(expectedVectors: number): Promise<void> {
    const { store, index } = this.#options;
    const current = await readManifest(store, index);
    if (current?.codebook === undefined) this.#ahead.train(expectedVectors, current?.settings?.subspaces);
    else this.#ahead.use(await this.#codebook.coderOf(current.codebook.id));
  }

  /**
   * Makes every added document part of the index, all at once. Undefined when none is waiting. After an error they are
   * still waiting, and the index is as it was or, when only the answer of the store was lost, has them. But after
   * `commit_expired` those that have waited for longer than `MAX_UNCOMMITTED_MS` are dropped: their images may be gone, and
   * they must be added again.
   *
   * @throws MaxleafError `commit_conflict`, `commit_expired`, `store_unavailable`, `recipe_mismatch`; `index_not_found`
   *   when the index was there and has been dropped; `name_taken` when it is new and its name has become an alias.
   */
  async commit(): Promise<CommitReport | undefined> {
    return await this.#commits.add(async () => await this.#commitPending());
  }

  /** Frees the sessions and the temporary file. Documents not committed are dropped. */
  async close(): Promise<void> {
    await this.#commits.onIdle();
    await this.#ahead.close();
    await this.#pending.close();
    await this.#runner.dispose();
  }

  async #commitPending(): Promise<CommitReport | undefined> {
    const documents = await this.#pending.take();
    let outcome: "committed" | "expired" | "failed" = "failed";
    try {
      if (documents.length === 0) return undefined;
      const report = await this.#commitDocuments(documents);
      outcome = "committed";
      return report;
    } catch (error) {
      if (error instanceof MaxleafError && error.code === "commit_expired") outcome = "expired";
      throw error;
    } finally {
      await this.#pending.settle(outcome);
    }
  }

  async #commitDocuments(documents: readonly HeldDocument[]): Promise<CommitReport> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#codeAndCommit(documents);
      } catch (error) {
        if (!(error instanceof CodebookChangedError)) throw error;
        if (attempt === MAX_CODING_ATTEMPTS) {
          const message = `index ${quote(this.#options.index)} changed its codebook ${attempt} times meanwhile`;
          throw new MaxleafError("commit_conflict", message, { cause: error });
        }
      }
    }
  }

  async #codeAndCommit(documents: readonly HeldDocument[]): Promise<CommitReport> {
    const { store, index, recipe, recipeFingerprint, keepsMetadata = false, onStage } = this.#options;
    const current = await readManifest(store, index);
    if (current !== undefined) {
      requireSameRecipe(index, current, this.#options);
      this.#mayCreate = false;
    } else if (!this.#mayCreate) throw droppedMeanwhile(index);
    const codebook = current?.codebook ?? (await this.#train(documents, current?.settings?.subspaces));
    const trained = codebook !== undefined && current?.codebook === undefined;
    const keys = trained ? [layout.codebook(index, codebook.id)] : [];
    const segments = await this.#writeSegments(documents, codebook, keys);
    const entries = documents.map(({ entry }) => entry);
    let change: CommittedChange;
    try {
      const mayCreate = this.#mayCreate;
      const added = { recipe, recipeFingerprint, codebook, segments, documents: entries, keepsMetadata, mayCreate };
      const storedSinceMs = Math.min(...documents.map((document) => document.storedSinceMs));
      const target = { ...this.#options, storedSinceMs };
      change = await timed(onStage, "commit", async () => await commitSegments(target, this.#tables, added));
    } catch (error) {
      // Nothing refers to them. After any other error the commit may have landed: then they stay.
      if (error instanceof CodebookChangedError) await this.#discard(keys);
      throw error;
    }
    this.#mayCreate = false;
    this.#ahead.release(documents.flatMap(({ pages }) => pages));
    const revisions = new Map(entries.map(({ id, revision }) => [id, revision]));
    await removeObjects(this.#options, change.removed, revisions);
    const manifest = await this.#invertWhenNeeded(change.manifest);
    return { ...reportOf({ ...change, manifest }, segments, trained), documents: documents.length };
  }

  async #train(documents: readonly HeldDocument[], subspaces: number | undefined): Promise<Manifest["codebook"]> {
    const { onProgress, onStage } = this.#options;
    const vectorCount = documents.reduce((sum, document) => sum + document.vectorCount, 0);
    const ready = vectorCount === 0 ? undefined : await this.#ahead.trained(vectorCount, subspaces);
    if (ready !== undefined) return await this.#codebook.store(ready, vectorCount);
    const onTraining = (share: number) => onProgress?.({ stage: "training", share });
    return await timed(onStage, "train", async () => await this.#codebook.train(documents, onTraining, subspaces));
  }

  /** The newest manifest. That there is no inverted file makes searches dearer, not wrong: failing to build it is a warning. */
  async #invertWhenNeeded(committed: Manifest): Promise<Manifest> {
    const { index, maxUncoveredBagEntries, onProgress, onStage, onWarning } = this.#options;
    if (!needsInvertedFile(committed, maxUncoveredBagEntries)) return committed;
    try {
      const onInverting = (share: number) => onProgress?.({ stage: "inverting", share });
      const build = async () => await buildInvertedFile(this.#options, { onProgress: onInverting });
      return (await timed(onStage, "invert", build)) ?? committed;
    } catch (error) {
      onWarning?.(`index ${quote(index)} has no up-to-date inverted file; maxleaf optimize builds it`, error);
      return committed;
    }
  }

  /** Codes and stores `documents`; adds the keys of what it stored to `keys`. */
  async #writeSegments(
    documents: readonly SpooledDocument[],
    codebook: Manifest["codebook"],
    keys: string[],
  ): Promise<SegmentEntry[]> {
    const { store, index, recipe, recipeFingerprint, limits, onProgress, onStage } = this.#options;
    const coder = codebook && (await this.#codebook.coderOf(codebook.id));
    if (coder !== undefined) this.#ahead.use(coder);
    const pageCount = documents.reduce((sum, document) => sum + document.pages.length, 0);
    let pagesDone = 0;
    const entries: SegmentEntry[] = [];
    for (const parts of planSegments(documents, limits ?? segmentLimits(recipe.dim))) {
      const vectorCount = parts.reduce((sum, part) => sum + vectorsOf(part.pages), 0);
      const manifest = { recipe, recipeFingerprint, ...(codebook && { codebook }) };
      const build = async () =>
        await buildSegment({
          identity: segmentIdentityOf(manifest, { vectorCount }),
          parts,
          coder,
          onPages: (count) => {
            pagesDone += count;
            onProgress?.({ stage: "coding", share: pagesDone / pageCount });
          },
        });
      const { segment, vectors, counts, meanResidualNorm } = await timed(onStage, "code", build);
      const id = crypto.randomUUID();
      keys.push(layout.segment(index, id), layout.vectors(index, id));
      await timed(onStage, "store_segments", async () => {
        await store.put(layout.vectors(index, id), vectors, { onlyIf: "absent" });
        await store.put(layout.segment(index, id), segment, { onlyIf: "absent" });
      });
      entries.push({ id, ...counts, meanResidualNorm, deletedDocuments: [] });
    }
    return entries;
  }

  async #discard(keys: readonly string[]): Promise<void> {
    try {
      await this.#options.store.delete(keys);
    } catch (error) {
      this.#options.onWarning?.("segments of a commit that was tried again could not be removed", error);
    }
  }
}

function vectorsOf(pages: readonly { vectorCount: number }[]): number {
  return pages.reduce((sum, page) => sum + page.vectorCount, 0);
}

function reportOf(
  { manifest, removed }: CommittedChange,
  segments: readonly SegmentEntry[],
  trained: boolean,
): Omit<CommitReport, "documents"> {
  const total = (field: "pageCount" | "searchablePageCount" | "vectorCount", list = segments) =>
    list.reduce((sum, segment) => sum + segment[field], 0);
  const trainedOn = manifest.codebook?.trainedOnVectors ?? Infinity;
  return {
    manifestVersion: manifest.version,
    replaced: removed.length,
    pages: total("pageCount"),
    searchablePages: total("searchablePageCount"),
    vectors: total("vectorCount"),
    segments: segments.length,
    trained,
    drift: codebookDrift(manifest.codebook, segments),
    inverted: manifest.inverted !== undefined,
    codebookStale: total("vectorCount", manifest.segments) > STALE_CODEBOOK_GROWTH * trainedOn,
  };
}
