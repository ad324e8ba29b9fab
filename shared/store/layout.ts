/**
 * Where everything lies in the bucket. The only place that builds object keys.
 *
 * @module
 */

/** Indexes live under one prefix each: `indexes/{index}/…`. */
export const INDEXES_PREFIX = "indexes/";

/** Other names of indexes. */
export const ALIASES_PREFIX = "aliases/";
/** What was asked for over HTTP and what became of it. */
export const TASKS_PREFIX = "tasks/";
/** A marker for each task that is not over, so that none is forgotten and nobody has to read the others. */
export const OPEN_TASKS_PREFIX = "open-tasks/";
/** Files that were sent and are not part of an index yet. */
export const UPLOADS_PREFIX = "uploads/";

/** Digits of a manifest version in its key, so that key order is version order. */
const VERSION_DIGITS = 12;

export const layout = {
  index: (index: string) => `${INDEXES_PREFIX}${index}/`,
  /** A hint: the newest manifest version its writer knew of. Readers look one further. */
  current: (index: string) => `${INDEXES_PREFIX}${index}/CURRENT`,
  manifests: (index: string) => `${INDEXES_PREFIX}${index}/manifests/`,
  manifest: (index: string, version: number) =>
    `${INDEXES_PREFIX}${index}/manifests/${String(version).padStart(VERSION_DIGITS, "0")}`,
  codebook: (index: string, id: string) => `${INDEXES_PREFIX}${index}/codebooks/${id}`,
  segment: (index: string, id: string) => `${INDEXES_PREFIX}${index}/segments/${id}`,
  /** The int8 vectors of a segment, an object of their own: most queries never read them. */
  vectors: (index: string, id: string) => `${INDEXES_PREFIX}${index}/segments/${id}.vectors`,
  /** Head of an inverted file. */
  inverted: (index: string, id: string) => `${INDEXES_PREFIX}${index}/inverted/${id}`,
  /** Part `part` of its lists, from 0. */
  invertedPart: (index: string, id: string, part: number) => `${INDEXES_PREFIX}${index}/inverted/${id}.${part}`,
  /** Head of the lexical index of an inverted file's pages. */
  lexical: (index: string, id: string) => `${INDEXES_PREFIX}${index}/inverted/${id}.lexical`,
  /** Part `part` of its blocks, from 0. */
  lexicalPart: (index: string, id: string, part: number) => `${INDEXES_PREFIX}${index}/inverted/${id}.lexical.${part}`,
  /** Metadata that changed after its documents were written. */
  overlay: (index: string, id: string) => `${INDEXES_PREFIX}${index}/overlays/${id}`,
  alias: (name: string) => `${ALIASES_PREFIX}${name}`,
  /** Ids of newer tasks come first in key order. */
  task: (id: string) => `${TASKS_PREFIX}${id}`,
  openTask: (id: string) => `${OPEN_TASKS_PREFIX}${id}`,
  upload: (id: string) => `${UPLOADS_PREFIX}${id}`,
  /** Everything of one document. */
  document: (index: string, documentId: string) => `${INDEXES_PREFIX}${index}/documents/${documentId}/`,
  /** Source and images of one version; see `newRevision`. */
  revision: (index: string, documentId: string, revision: string) =>
    `${INDEXES_PREFIX}${index}/documents/${documentId}/${revision}/`,
  source: (index: string, documentId: string, revision: string) =>
    `${INDEXES_PREFIX}${index}/documents/${documentId}/${revision}/source`,
  pageImage: (index: string, documentId: string, revision: string, page: number) =>
    `${INDEXES_PREFIX}${index}/documents/${documentId}/${revision}/pages/${page}.webp`,
  pageThumbnail: (index: string, documentId: string, revision: string, page: number) =>
    `${INDEXES_PREFIX}${index}/documents/${documentId}/${revision}/pages/${page}.thumb.webp`,
} as const;
