/**
 * A filter as one part of an index can apply it. The engine refuses names that its index does not have; here they may well
 * be those of another part.
 *
 * @module
 */
import type { SearchableIndex, SearchFilter } from "../../shared/engine/contract.ts";
import { overlaid } from "../../shared/format/overlay.ts";
import type { UnknownNames } from "./protocol.ts";

export interface NarrowedFilter {
  /** The filter with the names that the part has, or that no page of the part can pass. */
  passing: SearchFilter | undefined | "nothing";
  unknown: UnknownNames;
}

/** Filters over one version of a part. */
export class PartFilter {
  readonly #part: SearchableIndex;
  #fields: Promise<ReadonlySet<string>> | undefined;

  constructor(part: SearchableIndex) {
    this.#part = part;
  }

  async narrow(filter: SearchFilter | undefined): Promise<NarrowedFilter> {
    if (filter === undefined) return { passing: undefined, unknown: { documents: [], fields: [] } };
    const asked = filter.documents ?? [];
    const places = await Promise.all(asked.map((id) => this.#part.findDocument(id)));
    const isKnown = (position: number) => (places[position]?.length ?? 0) > 0;
    const documents = asked.filter((_, position) => isKnown(position));
    const unknown = {
      documents: asked.filter((_, position) => !isKnown(position)),
      fields: await this.#unknownFields(Object.keys(filter.metadata ?? {})),
    };
    const fails = (filter.documents !== undefined && documents.length === 0) || unknown.fields.length > 0;
    if (fails) return { passing: "nothing", unknown };
    return { passing: { ...filter, documents: filter.documents === undefined ? undefined : documents }, unknown };
  }

  async #unknownFields(names: readonly string[]): Promise<string[]> {
    if (names.length === 0) return [];
    this.#fields ??= metadataFields(this.#part);
    const known = await this.#fields;
    return names.filter((name) => !known.has(name));
  }
}

/** Metadata fields of live documents. */
async function metadataFields(part: SearchableIndex): Promise<ReadonlySet<string>> {
  const { overlay } = part;
  const fields = new Set<string>();
  for (const [position, entry] of part.manifest.segments.entries()) {
    const deleted = new Set(entry.deletedDocuments);
    const { documents } = await part.openSegment(position);
    for (const [ordinal, document] of documents.entries()) {
      if (deleted.has(ordinal)) continue;
      for (const field of Object.keys(overlaid(document, overlay).metadata)) fields.add(field);
    }
  }
  return fields;
}
