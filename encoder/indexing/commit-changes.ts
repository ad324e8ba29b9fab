/**
 * Changes of an index as manifests: documents appear, replace older ones and disappear in one commit each.
 *
 * @module
 */
import { MaxleafError, quote } from "../../shared/errors.ts";
import { requireNoAlias } from "../../shared/format/aliases.ts";
import { type CommitOptions, commitManifest, type ManifestDraft } from "../../shared/format/manifest-store.ts";
import { type Manifest, type SegmentEntry, stillCovered } from "../../shared/format/manifest.ts";
import { extendedOverlay, liveOverlay, sameFields, storeOverlay } from "../../shared/format/overlay.ts";
import type { DocumentEntry } from "../../shared/page.ts";
import { requireSameRecipe } from "../../shared/recipe/mismatch.ts";
import type { Recipe } from "../../shared/recipe/recipe.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { DocumentTables, type LiveDocument } from "./document-index.ts";
import { defaultSubspaces } from "./product-quantizer.ts";
import { findLiveDocuments } from "./find-documents.ts";

/** What a commit needs to know of the world. */
export interface CommitTarget extends CommitOptions {
  store: ObjectStore;
  index: string;
  /** Told what could not be tidied up after a commit that succeeded. */
  onWarning?: ((message: string, cause: unknown) => void) | undefined;
}

/** Segments that are stored but not yet part of the index. */
export interface NewSegments {
  recipe: Recipe;
  recipeFingerprint: string;
  /** Undefined when no page of the segments has vectors. */
  codebook: Manifest["codebook"];
  segments: readonly SegmentEntry[];
  /** The documents in them: older versions of these disappear. */
  documents: readonly DocumentEntry[];
  /** They keep the metadata of the versions that they replace, whatever it is by then. */
  keepsMetadata: boolean;
  /**
   * Whether the commit may make the index. False once it was seen: if it is not there any more it was dropped, and what is
   * added would come back as half an index.
   */
  mayCreate: boolean;
}

export interface CommittedChange {
  manifest: Manifest;
  /** Documents that disappeared: replaced or deleted ones. */
  removed: LiveDocument[];
}

/** The index got a codebook, another one, or settings for one, after the segments were coded: they must be coded again. */
export class CodebookChangedError extends Error {
  constructor() {
    super("another writer gave the index its codebook first");
    this.name = "CodebookChangedError";
  }
}

/**
 * Adds `added` to the index, creating it when it does not exist.
 *
 * @throws CodebookChangedError; MaxleafError `index_not_found` when it was dropped, `name_taken` when it would be made and an
 *   alias has its name, `recipe_mismatch`, `commit_conflict`, `store_unavailable`.
 */
export async function commitSegments(
  target: CommitTarget,
  tables: DocumentTables,
  added: NewSegments,
): Promise<CommittedChange> {
  let removed: LiveDocument[] = [];
  const manifest = await commitManifest(
    target.store,
    target.index,
    async (current) => {
      const { recipe, recipeFingerprint, codebook } = added;
      if (current === undefined) {
        if (!added.mayCreate) throw droppedMeanwhile(target.index);
        await requireNoAlias(target.store, target.index);
        removed = [];
        return { recipe, recipeFingerprint, ...(codebook && { codebook }), segments: [...added.segments] };
      }
      requireSameRecipe(target.index, current, added);
      if (codebook !== undefined && current.codebook !== undefined && current.codebook.id !== codebook.id) {
        throw new CodebookChangedError();
      }
      if (codebook !== undefined && !hasSubspaces(current, codebook.subspaces)) throw new CodebookChangedError();
      const live = await tables.liveDocuments(current);
      removed = added.documents.flatMap(({ id }) => live.get(id) ?? []);
      const segments = [...withoutDocuments(current.segments, removed), ...added.segments];
      const overlay = await overlayWith(target, tables, current, added);
      return { ...withOverlay(draftOf(current, segments), overlay), ...(codebook && { codebook }) };
    },
    target,
  );
  return { manifest, removed };
}

/** The error of a change to an index that was there when the change began. */
export function droppedMeanwhile(index: string): MaxleafError {
  return new MaxleafError("index_not_found", `index ${quote(index)} was dropped while it was being changed`);
}

/** Whether a codebook of `subspaces` may become that of an index, which may have been created meanwhile with other settings. */
function hasSubspaces({ codebook, settings, recipe }: Manifest, subspaces: number): boolean {
  return codebook !== undefined || subspaces === (settings?.subspaces ?? defaultSubspaces(recipe.dim));
}

/**
 * The overlay when `documents` come into the index, or take the place of what is there. It says nothing of them but, when they keep
 * their metadata, what that has changed to since their ingestion began, which must not be lost. Stored anew when it has to be,
 * and when most of it would be about documents that are gone.
 */
async function overlayWith(
  { store, index }: CommitTarget,
  tables: DocumentTables,
  current: Manifest,
  { documents, keepsMetadata }: NewSegments,
): Promise<Manifest["overlay"]> {
  const live = await tables.liveDocuments(current);
  const overlay = await tables.overlayOf(current);
  const changed = documents.flatMap((entry): DocumentEntry[] => {
    const metadata = live.get(entry.id)?.entry.metadata;
    if (!keepsMetadata || metadata === undefined || sameFields(metadata, entry.metadata)) return [];
    return [{ ...entry, metadata }];
  });
  const added = new Set(documents.map(({ id }) => id));
  const others = Array.from(live.values(), ({ entry }) => entry).filter(({ id }) => !added.has(id));
  const next = liveOverlay(extendedOverlay(overlay, changed), [...others, ...changed]);
  const mustChange = changed.length > 0 || documents.some(({ id, revision }) => overlay.get(id)?.revision === revision);
  const isMostlyLive = 2 * next.size >= overlay.size;
  return !mustChange && isMostlyLive ? current.overlay : await storeOverlay(store, index, next);
}

/**
 * Deletes a document: first from the index, then its images and source.
 *
 * @throws MaxleafError `index_not_found`, `document_not_found`, `commit_conflict`, `store_unavailable`.
 */
export async function deleteDocument(target: CommitTarget, documentId: string): Promise<CommittedChange> {
  return await deleteDocuments(target, new Set([documentId]));
}

/**
 * Deletes those of `documentIds` that the index has, in one commit; then their images and sources.
 *
 * @throws MaxleafError `index_not_found`, `commit_conflict`, `store_unavailable`; `document_not_found` when it has none.
 */
export async function deleteDocuments(
  target: CommitTarget,
  documentIds: ReadonlySet<string>,
): Promise<CommittedChange> {
  const tables = new DocumentTables(target.store, target.index);
  let removed: LiveDocument[] = [];
  const manifest = await commitManifest(
    target.store,
    target.index,
    async (current) => {
      if (current === undefined) throw new MaxleafError("index_not_found", `there is no index ${quote(target.index)}`);
      const live = await findLiveDocuments(target.store, tables, current, documentIds);
      removed = [...documentIds].flatMap((id) => live.get(id) ?? []);
      if (removed.length === 0) {
        const where = `index ${quote(target.index)}`;
        const ids = quote([...documentIds].join(", "));
        throw new MaxleafError("document_not_found", `${where} has no document with the id ${ids}`);
      }
      return draftOf(current, withoutDocuments(current.segments, removed));
    },
    target,
  );
  await removeObjects(target, removed);
  return { manifest, removed };
}

/**
 * Removes source and images of versions that left the index, except those still live under `keep` (document id →
 * revision). Only these versions' own keys: another writer may be storing the images of a newer one. A failure leaves
 * objects that nothing refers to, and is a warning.
 */
export async function removeObjects(
  { store, index, onWarning }: CommitTarget,
  removed: readonly LiveDocument[],
  keep: ReadonlyMap<string, string> = new Map(),
): Promise<void> {
  for (const { entry } of removed) {
    if (keep.get(entry.id) === entry.revision) continue;
    try {
      await deletePrefix(store, layout.revision(index, entry.id, entry.revision));
    } catch (error) {
      onWarning?.(`objects of ${quote(entry.name)}, which left the index, could not be removed`, error);
    }
  }
}

async function deletePrefix(store: ObjectStore, prefix: string): Promise<void> {
  let cursor: string | undefined;
  do {
    const page = await store.list(prefix, cursor === undefined ? {} : { cursor });
    await store.delete(page.objects.map((object) => object.key));
    cursor = page.cursor;
  } while (cursor !== undefined);
}

/** `segments` with the places of `documents` marked as deleted; a segment with nothing left is dropped. */
function withoutDocuments(segments: readonly SegmentEntry[], documents: readonly LiveDocument[]): SegmentEntry[] {
  const places = documents.flatMap((document) => document.places);
  return segments
    .map((segment) => {
      const ordinals = places.filter((place) => place.segmentId === segment.id).map((place) => place.ordinal);
      const deleted = new Set([...segment.deletedDocuments, ...ordinals]);
      return { ...segment, deletedDocuments: [...deleted].toSorted((a, b) => a - b) };
    })
    .filter((segment) => segment.deletedDocuments.length < segment.documentCount);
}

/** `draft` with `overlay` in place of the one that it names. */
export function withOverlay(draft: ManifestDraft, overlay: Manifest["overlay"]): ManifestDraft {
  const { overlay: _before, ...rest } = draft;
  return { ...rest, ...(overlay && { overlay }) };
}

/** The next manifest with `segments`; its inverted file goes when one of the segments that it covers does. */
export function draftOf(current: Manifest, segments: SegmentEntry[]): ManifestDraft {
  const { recipe, recipeFingerprint, codebook, calibration, settings, overlay } = current;
  const inverted = stillCovered(current.inverted, segments);
  return {
    recipe,
    recipeFingerprint,
    ...(codebook && { codebook }),
    segments,
    ...(inverted && { inverted }),
    ...(calibration && { calibration }),
    ...(settings && { settings }),
    ...(overlay && { overlay }),
  };
}
