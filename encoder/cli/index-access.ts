/**
 * Finding indexes and documents for commands that need them to exist.
 *
 * @module
 */
import { MaxleafError, quote } from "../../shared/errors.ts";
import {
  listIndexes,
  readManifest,
  readManifestVersion,
  readNewestManifest,
} from "../../shared/format/manifest-store.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { documentIdOf } from "../../shared/names.ts";
import { DocumentTables, type LiveDocument } from "../indexing/document-index.ts";
import { findLiveDocuments } from "../indexing/find-documents.ts";

/** The manifests of all indexes, by name. What is stored under a name without a first commit is no index yet. */
export async function readManifests(store: ObjectStore): Promise<Manifest[]> {
  const names = await listIndexes(store);
  const manifests = await Promise.all(names.map(async (name) => await readManifest(store, name)));
  return manifests.filter((manifest) => manifest !== undefined);
}

export interface DroppedName {
  name: string;
  droppedAt: string;
}

/** Indexes that were dropped and whose last version is still there, by name. */
export async function readDropped(store: ObjectStore): Promise<DroppedName[]> {
  const names = await listIndexes(store);
  const dropped = await Promise.all(names.map(async (name) => await restorable(store, name)));
  return dropped.filter((one) => one !== undefined);
}

async function restorable(store: ObjectStore, name: string): Promise<DroppedName | undefined> {
  const newest = await readNewestManifest(store, name);
  if (newest?.droppedAtMs === undefined) return undefined;
  const last = await readManifestVersion(store, name, newest.version - 1);
  return last && { name, droppedAt: new Date(newest.droppedAtMs).toISOString() };
}

/** The manifest of `index`. Errors: `index_not_found`, which lists the indexes there are. */
export async function requireManifest(store: ObjectStore, index: string): Promise<Manifest> {
  const manifest = await readManifest(store, index);
  if (manifest !== undefined) return manifest;
  const names = (await readManifests(store)).map((other) => other.index);
  const others = names.length === 0 ? "the bucket has none yet" : `there are ${names.join(", ")}`;
  throw new MaxleafError("index_not_found", `there is no index ${quote(index)}; ${others}`);
}

/** The documents of an index, by name. Errors: `index_not_found`. */
export async function readDocuments(store: ObjectStore, index: string): Promise<LiveDocument[]> {
  const manifest = await requireManifest(store, index);
  const live = await new DocumentTables(store, index).liveDocuments(manifest);
  return [...live.values()].toSorted((a, b) => (a.entry.name < b.entry.name ? -1 : 1));
}

/** The document of an index whose id or name is `idOrName`. Errors: `index_not_found`, `document_not_found`. */
export async function findDocument(store: ObjectStore, index: string, idOrName: string): Promise<LiveDocument> {
  const [document] = await findDocuments(store, index, [idOrName]);
  if (document !== undefined) return document;
  throw new MaxleafError("internal", `nothing was found for ${quote(idOrName)}`);
}

/** The documents of an index whose ids or names are `asked`, in that order. Errors: `index_not_found`, `document_not_found`. */
export async function findDocuments(
  store: ObjectStore,
  index: string,
  asked: readonly string[],
): Promise<LiveDocument[]> {
  const manifest = await requireManifest(store, index);
  const named = await Promise.all(
    asked.map(async (idOrName) => await documentIdOf(idOrName.normalize("NFC")).catch(() => idOrName)),
  );
  const live = await findLiveDocuments(
    store,
    new DocumentTables(store, index),
    manifest,
    new Set([...asked, ...named]),
  );
  const documents = [...live.values()];
  return asked.map((idOrName) => pickDocument(documents, index, idOrName));
}

/** The one of `documents` whose id or name is `idOrName`. Errors: `document_not_found`. */
export function pickDocument(documents: readonly LiveDocument[], index: string, idOrName: string): LiveDocument {
  const name = idOrName.normalize("NFC");
  const found =
    documents.find(({ entry }) => entry.id === idOrName) ?? documents.find(({ entry }) => entry.name === name);
  if (found !== undefined) return found;
  throw new MaxleafError("document_not_found", `index ${quote(index)} has no document ${quote(idOrName)}`);
}
