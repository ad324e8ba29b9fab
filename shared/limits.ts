/**
 * Every limit, in one place, with where it comes from.
 *
 * @module
 */

// --- Requests -------------------------------------------------------------------------------------------------

/** Characters of a query. A question fits 512 tokens; beyond that the encoder would cut silently. Ours. */
export const MAX_QUERY_CHARS = 2_000;
/** Tokens of a query kept by every recipe (BERT's 512 positions less two specials). */
export const MAX_QUERY_TOKENS = 510;
/** Hits per request: a page of results, with deep evaluation runs at 100 and head room. Ours. */
export const MAX_K = 1_000;
export const DEFAULT_K = 10;
/** Bytes of a JSON request body: the longest query (4 bytes a character) and a filter of MAX_FILTER_DOCUMENTS ids. Ours. */
export const MAX_SEARCH_BODY_BYTES = 64 * 1024;
export const MAX_FILTER_DOCUMENTS = 1_000;
export const MAX_METADATA_FIELDS = 32;
export const MAX_METADATA_VALUE_CHARS = 512;
/** Centroids per query token whose lists may be looked at; recall no longer grows far below this. Ours. */
export const MAX_NPROBE = 256;

// --- Writing over HTTP ------------------------------------------------------------------------------------------

/** Bytes of one source file; whoever renders it holds it in memory three times (caller, picture, text). */
export const MAX_SOURCE_BYTES = 256 * 1024 * 1024;
/** Bytes of files that are sent in the body of a request. Cloudflare refuses bodies past 100 MB on its smaller plans. */
export const MAX_DIRECT_BODY_BYTES = 64 * 1024 * 1024;
/** Files of one multipart body. Ours: each is an object of its own, written before the answer. */
export const MAX_MULTIPART_FILES = 100;
/** Bytes of a JSON body of a writing route: MAX_TASK_DOCUMENTS addresses with some metadata have 500 kB. Ours. */
export const MAX_ADMIN_JSON_BYTES = 2 * 1024 * 1024;
/** Documents of one task. Ours: its object is written anew while it is worked on. */
export const MAX_TASK_DOCUMENTS = 1_000;
/** Documents of one deletion: one commit, then a listing for each. Ours. */
export const MAX_DELETED_DOCUMENTS = 1_000;
/** Characters of an address: what servers take of one. */
export const MAX_URL_CHARS = 2_048;
/** How long a presigned upload may be begun: a file of 256 MB takes 7 minutes at 5 Mbit/s. Ours. */
export const UPLOAD_EXPIRES_SECONDS = 60 * 60;

// --- Names ----------------------------------------------------------------------------------------------------

/** Index names are path segments and URL segments. Ours; R2 keys may have 1,024 bytes in all. */
export const MAX_INDEX_NAME_CHARS = 63;
/** Document names are shown, never used in a key (keys use the hashed id). Ours. */
export const MAX_DOCUMENT_NAME_BYTES = 1_024;

// --- Formats --------------------------------------------------------------------------------------------------

/** Dimensions a vector may have; the recipes use 48 to 384. Kernels work on multiples of 16. */
export const MAX_DIM = 1_024;
/** Centroid ids are u16. */
export const MAX_CENTROIDS = 65_536;
/** PQ codes are one byte each. */
export const CODEWORDS_PER_SUBSPACE = 256;
export const MAX_SUBSPACES = 128;
/** Vectors of one page: region indexes are u16 with 0xffff kept for "nowhere". ColPali has 1,030, ColQwen 768, words about 700. */
export const MAX_VECTORS_PER_PAGE = 65_535;
/** Pages of one segment; keeps a segment near 100 MB at 16 bytes a vector with its exact vectors apart. Ours. */
export const MAX_PAGES_PER_SEGMENT = 8_192;
/** Section lengths and offsets are u32, so that a reader never needs 64-bit arithmetic. */
export const MAX_SEGMENT_BYTES = 0xffff_ffff;
/** Sections a footer may list; format version 2 has at most seven in one file. Ours. */
export const MAX_SECTIONS = 32;
/** One read from the end of a segment gets the footer and, for segments of up to about 1,000 pages, the page and document tables too, and often the bags. */
export const SEGMENT_TAIL_READ_BYTES = 64 * 1024;
/** One object of an inverted file's lists, unless one cell alone is longer: small enough to be written from memory. Ours. */
export const MAX_INVERTED_PART_BYTES = 32 * 1024 * 1024;
/** What opening an inverted file may read and hold: eight bytes a page, so some eight million pages. Half an isolate. */
export const MAX_INVERTED_OPEN_BYTES = 64 * 1024 * 1024;
/** The same of its lexical index: two to four bytes a page. */
export const MAX_LEXICAL_OPEN_BYTES = 32 * 1024 * 1024;
export const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;
/** An alias is a name of at most 63 characters, a time and a format. Ours. */
export const MAX_ALIAS_BYTES = 512;

// --- Lifetimes ------------------------------------------------------------------------------------------------

/**
 * Longest that an object may wait for the commit that names it. Garbage collection removes what nothing names after 72 h
 * (`DEFAULT_GRACE_HOURS`); the day between is for a commit under way, and for clocks that differ. Ours.
 */
export const MAX_UNCOMMITTED_MS = 48 * 60 * 60 * 1_000;

// --- Platform (../shared/design/platform.md) --------------------------------------------------------------------

/** Cloudflare: memory per isolate. */
export const ISOLATE_MEMORY_BYTES = 128 * 1024 * 1024;
/** Cloudflare: connections that may wait for response headers at once. */
export const MAX_CONCURRENT_READS = 6;
