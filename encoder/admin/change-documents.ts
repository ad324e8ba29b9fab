/**
 * Documents deleted, and their metadata changed: committed before the answer.
 *
 * @module
 */
import {
  type DeletedDocumentsBody,
  deleteDocumentsSchema,
  type UpdatedDocumentBody,
  updateDocumentSchema,
} from "../../shared/api/admin.ts";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { resolveIndexName } from "../../shared/format/aliases.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
import { documentIdOf, isDocumentId, parseDocumentId } from "../../shared/names.ts";
import { type CommitTarget, deleteDocuments } from "../indexing/commit-changes.ts";
import { updateMetadata } from "../indexing/update-metadata.ts";
import type { AdminServices } from "./admin-services.ts";
import { readJson } from "./read-json.ts";

/**
 * Deletes one document. Errors: `invalid_name`, `index_not_found`, `document_not_found`, `commit_conflict`,
 * `store_unavailable`.
 */
export async function deleteOne(services: AdminServices, name: string, id: string): Promise<DeletedDocumentsBody> {
  const target = await targetOf(services, name);
  return await deleteAll(target, new Map([[parseDocumentId(id), id]]));
}

/** Deletes those of the documents in the body that are there, in one commit. Errors: as {@link deleteOne}, but for none there. */
export async function deleteSeveral(
  services: AdminServices,
  name: string,
  request: Request,
): Promise<DeletedDocumentsBody> {
  const { documents } = await readJson(request, deleteDocumentsSchema);
  const asked = new Map<string, string>();
  for (const idOrName of documents) {
    asked.set(isDocumentId(idOrName) ? idOrName : await documentIdOf(idOrName.normalize("NFC")), idOrName);
  }
  const target = await targetOf(services, name);
  try {
    return await deleteAll(target, asked);
  } catch (error) {
    if (!(error instanceof MaxleafError) || error.code !== "document_not_found") throw error;
    const manifest = await readManifest(target.store, target.index);
    if (manifest === undefined) throw new MaxleafError("index_not_found", `there is no index ${quote(name)}`);
    return { index: target.index, deleted: [], absent: [...asked.values()], manifestVersion: manifest.version };
  }
}

/** @param asked what to call each id in the answer. */
async function deleteAll(target: CommitTarget, asked: ReadonlyMap<string, string>): Promise<DeletedDocumentsBody> {
  const { manifest, removed } = await deleteDocuments(target, new Set(asked.keys()));
  const deleted = removed.map(({ entry: { id, name, pageCount } }) => ({ id, name, pageCount }));
  const there = new Set(deleted.map(({ id }) => id));
  const absent = [...asked].filter(([id]) => !there.has(id)).map(([, called]) => called);
  return { index: target.index, deleted, absent, manifestVersion: manifest.version };
}

/** Changes a document's metadata. Errors: as {@link deleteOne}; those of `readJson` and of `updateMetadata`. */
export async function updateOne(
  services: AdminServices,
  name: string,
  documentId: string,
  request: Request,
): Promise<UpdatedDocumentBody> {
  const patch = await readJson(request, updateDocumentSchema);
  const target = await targetOf(services, name);
  const id = parseDocumentId(documentId);
  const { manifest, changed, unchanged } = await updateMetadata(target, new Map([[id, patch.metadata]]));
  const [document] = [...changed, ...unchanged];
  if (document === undefined) throw new MaxleafError("internal", `nothing became of document ${quote(id)}`);
  const { name: called, metadata } = document;
  return {
    index: target.index,
    document: { id, name: called, metadata: { ...metadata } },
    changed: changed.length > 0,
    manifestVersion: manifest.version,
  };
}

async function targetOf({ store, onWarning }: AdminServices, name: string): Promise<CommitTarget> {
  const index = await resolveIndexName(store, name);
  return { store, index, onWarning: (message) => onWarning?.(message) };
}
