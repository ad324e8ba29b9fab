/**
 * Segments of any size whose every byte is known.
 *
 * @module
 */
import { NO_REGION } from "../../page.ts";
import type { SegmentIdentity } from "../contract.ts";
import type { SegmentInput } from "./samples.ts";

export const identity: SegmentIdentity = {
  recipeFingerprint: "0123456789abcdef",
  codebookId: "c1",
  dim: 16,
  subspaces: 4,
};

/** `documentCount` documents of `pagesEach` pages, every page with `vectorCount` vectors. */
export function uniformInput(documentCount: number, pagesEach: number, vectorCount: number): SegmentInput {
  const documents = Array.from({ length: documentCount }, (_, ordinal) => ({
    id: `document-${ordinal}`,
    name: `reports/quarter ${ordinal}.pdf`,
    revision: "0123456789abcdef",
    contentType: "application/pdf",
    sourceBytes: 1_000,
    pageCount: pagesEach,
    addedAtMs: 1_700_000_000_000,
    metadata: { year: "2026" },
  }));
  const pages = documents.flatMap((_, documentOrdinal) =>
    Array.from({ length: pagesEach }, (_unused, index) => ({
      documentOrdinal,
      page: {
        pageNumber: index + 1,
        width: 612,
        height: 792,
        status: "searchable" as const,
        vectorCount,
        vectors: new Float32Array(0),
        geometry: {
          kind: "words" as const,
          columns: 0,
          rows: 0,
          boxes: new Uint16Array(0),
          regionOfVector: new Uint16Array(vectorCount).fill(NO_REGION),
        },
        text: `page ${index + 1} of document ${documentOrdinal}`,
      },
      codes: {
        centroidIds: Uint16Array.from({ length: vectorCount }, (_v, vector) => (vector * 7 + index) % 512),
        codes: new Uint8Array(vectorCount * identity.subspaces).fill(index),
      },
      exact: {
        scales: new Float32Array(vectorCount).fill(1),
        values: new Int8Array(vectorCount * identity.dim).fill(index),
      },
    })),
  );
  return { identity, documents, pages };
}
