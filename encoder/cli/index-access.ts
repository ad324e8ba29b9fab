/**
 * Finding indexes and documents for commands that need them to exist.
 *
 * @module
 */
import { MaxleafError, quote } from "../../shared/errors.ts";
import { listIndexes, readManifest } from "../../shared/format/manifest-store.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { DocumentTables, type LiveDocument } from "../indexing/document-index.ts";

/** The manifests of all indexes, by name. What is stored under a name without a first commit is no index yet. */
export async function readManifests(store: ObjectStore): Promise<Manifest[]> {
  const names = await listIndexes(store);
  const manifests = await Promise.all(names.map(async (name) => await readManifest(store, name)));
  return manifests.filter((manifest) => manifest !== undefined);
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

/** The one of `documents` whose id or name is `idOrName`. Errors: `document_not_found`. */
export function pickDocument(documents: readonly LiveDocument[], index: string, idOrName: string): LiveDocument {
  const name = idOrName.normalize("NFC");
  const found =
    documents.find(({ entry }) => entry.id === idOrName) ?? documents.find(({ entry }) => entry.name === name);
  if (found !== undefined) return found;
  throw new MaxleafError("document_not_found", `index ${quote(index)} has no document ${quote(idOrName)}`);
}
