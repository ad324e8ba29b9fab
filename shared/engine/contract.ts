/**
 * What the engine takes and gives. The engine knows neither HTTP nor any store adapter: the edge, the command line and
 * the evaluation all call it.
 *
 * @module
 */

import type { SegmentReader } from "../format/contract.ts";
import type { Manifest } from "../format/manifest.ts";
import type { Overlay } from "../format/overlay.ts";
import type { TextSource } from "../page.ts";

/** An encoded query. `vectors` is `[tokenCount, dim]`, rows of length 1. */
export interface EncodedQuery {
  recipeFingerprint: string;
  dim: number;
  tokenCount: number;
  vectors: Float32Array;
  /** What each vector stands for, for people: a word piece, or the whole query for a dense recipe. `[tokenCount]`. */
  tokens: QueryToken[];
}

export interface QueryToken {
  text: string;
  /** Half-open character range of the query; both 0 for augmentation tokens, which score but are not drawn. */
  start: number;
  end: number;
}

/** Anything that turns a question into vectors: the encoder over HTTP, or in process. */
export interface QueryEncoder {
  /** Errors: `encoder_unavailable`, `encoder_timeout`, `query_too_long`, `recipe_mismatch`. */
  encodeQuery(recipeName: string, query: string): Promise<EncodedQuery>;
}

export interface SearchFilter {
  /** Document ids. */
  documents?: readonly string[] | undefined;
  /** Every field must have one of its values. */
  metadata?: Readonly<Record<string, readonly string[]>> | undefined;
}

/**
 * How candidates are found. `resident`: everything that finds them is in memory. `pruned`: lists of the best centroids are
 * read for every query. `sharded`: segments are spread over several memories (the edge's Durable Objects).
 */
export const searchPaths = ["resident", "pruned", "sharded"] as const;
export type SearchPath = (typeof searchPaths)[number];

/** Share of the exact top 10 that a search has to find; `exact` scores every page by its exact vectors. */
export const accuracies = [0.95, 0.98, 0.995, "exact"] as const;
export type Accuracy = (typeof accuracies)[number];

/**
 * What candidates were found from: the bags of all pages, lists of centroids, the words of the question; or every page was
 * scored.
 */
export type CandidateSource = "bags" | "lists" | "all" | "words";

/**
 * By what pages are ranked. `late` and `dense`: by vectors, as the index's recipe has them; an index answers one of the two.
 * `lexical`: by the words of the question (BM25). `hybrid`: by vectors and words together.
 */
export const searchModes = ["late", "dense", "lexical", "hybrid"] as const;
export type SearchMode = (typeof searchModes)[number];

export interface SearchRequest {
  /**
   * All modes but `lexical` need it, which ignores it. A promise: what needs no vectors is read while they are made; who gives one
   * sees to it that a rejection is handled, since a search that fails first does not wait.
   */
  query?: EncodedQuery | Promise<EncodedQuery> | undefined;
  /** The question itself. Modes `lexical` and `hybrid` need it; without it the default mode is that of the vectors. */
  text?: string | undefined;
  /**
   * Default: see `usualMode`. `invalid_request` for a mode that is not the recipe's; `path_unavailable` for `lexical` and
   * `hybrid` where pages are without an index of their words.
   */
  mode?: SearchMode | undefined;
  k: number;
  filter?: SearchFilter | undefined;
  /** Default by the memory budget. The engine itself takes `resident` and `pruned`; `path_unavailable` when it cannot. */
  path?: SearchPath | undefined;
  /** Takes the cheapest settings that reached it in the index's calibration. Single settings below come before it. */
  accuracy?: Accuracy | undefined;
  /** Centroids whose lists are looked at, for each query token; only where candidates come from lists. */
  nprobe?: number | undefined;
  /** Pages reranked by PQ MaxSim; default by the planner. */
  candidates?: number | undefined;
  /** Pages reranked by exact int8 MaxSim; 0 turns it off; default by the planner. */
  exact?: number | undefined;
  /** Leave out text and boxes (evaluation runs). */
  bare?: boolean | undefined;
  /** By what the question's words are weighed; default: by the pages of this index. A part of an index is given those of the whole. */
  termWeighting?: TermWeighting | undefined;
}

/** A search whose vectors are there. */
export interface VectorSearchRequest extends SearchRequest {
  query: EncodedQuery;
}

/** What the words of a question are weighed by. Plain values, which may be sent. */
export interface TermWeighting {
  /** Pages that can be found, whatever the filter. */
  pages: number;
  /** Terms of all of them together. */
  pageTerms: number;
  /** Of each term that is looked up, how many of the pages have it; others of the question's are left out. */
  found: ReadonlyMap<string, number>;
}

/** What one index knows of a question's words, to be added up with other parts. */
export interface TermCounts extends Pick<TermWeighting, "pages" | "pageTerms"> {
  /** Different terms of the question, in the order in which they are asked. */
  terms: {
    term: string;
    /** Of the blocks that have to be read for it. */
    bytes: number;
    /** Pages that have it; undefined: not looked up, since all terms together would take too many bytes. */
    found: number | undefined;
  }[];
}

/** Reads and time of one step of a search. */
export type StepCost = Pick<
  SearchPerformance,
  | "reads"
  | "bytesRead"
  | "serialReadWaves"
  | "serialHops"
  | "hedgedReads"
  | "cacheHits"
  | "storeCacheHits"
  | "lexicalMs"
  | "tablesMs"
  | "candidatesMs"
  | "rerankMs"
  | "exactMs"
  | "hitsMs"
  | "totalMs"
>;

/** A page of a part of an index, before its scores are fused with those of other parts. */
export interface PartPage {
  /** Among the part's pages; equal scores are ordered by it. */
  position: number;
  vectorScore: number;
  /** BM25; 0 of a page without any of the words. */
  wordScore: number;
  /** Whether exact vectors made `vectorScore`, or codes. */
  isExact: boolean;
}

/** The pages of a part that a hybrid search ranks. */
export interface PartRanking extends Omit<SearchResult, "hits"> {
  pages: PartPage[];
}

/** Pages of a part that are to be shown, as `rankPart` gave them. */
export interface ShownPages extends Pick<SearchRequest, "text" | "termWeighting"> {
  query: EncodedQuery;
  pages: readonly PartPage[];
}

/** Where one query token matched best on a page. `box` is fractions of the page 0…1: x0, y0, x1, y1; undefined if nowhere. */
export interface TokenMatch {
  token: number;
  score: number;
  region: number | undefined;
  box: [number, number, number, number] | undefined;
  /** The word under the box, for `words` geometry. */
  text: string | undefined;
  /** It matched a word of the document's name best, which stands nowhere on the page; absent: it did not. */
  inDocumentName?: boolean | undefined;
}

export interface PageHit {
  documentId: string;
  documentName: string;
  revision: string;
  pageNumber: number;
  pageCount: number;
  width: number;
  height: number;
  /**
   * By vectors: Σ over query tokens of the best cosine, less {@link lengthPenalty}; at most tokenCount, and below 0 where
   * little matches. By words: BM25, 0 or more. Of both: at most 1, which compares pages of one answer only.
   */
  score: number;
  /** What a hybrid score was made from. */
  scores?: { vectors: number; words: number } | undefined;
  /** What the page's number of vectors took off its score by vectors; absent when the recipe has no length prior. */
  lengthPenalty?: number | undefined;
  metadata: Record<string, string>;
  matches: TokenMatch[];
  /** Words around the densest run of matches; empty when the page has no text. */
  snippet: string;
  /** `ocr` when the page's words were read from its picture; absent otherwise. */
  textSource?: TextSource | undefined;
}

/** What the query cost. Times in milliseconds. */
export interface SearchPerformance {
  mode: SearchMode;
  path: SearchPath;
  candidateSource: CandidateSource;
  pagesSearched: number;
  /** Undefined unless candidates came from lists. */
  nprobe: number | undefined;
  candidates: number;
  exactPages: number;
  /** Recall@10 that the index's calibration measured for settings not better than these; undefined when it did not. */
  accuracy: number | undefined;
  /** Cells of centroids whose lists were looked at. */
  cellsRead: number;
  /** Different words of the question that were looked up; 0 unless the mode ranks by words. */
  terms: number;
  /** Those that were not, since most pages have them and reading them all would take too long. */
  termsLeftOut: number;
  reads: number;
  bytesRead: number;
  /** Reads that had to wait for an earlier read, in sequence; six may be in flight. */
  serialReadWaves: number;
  /** The same if any number could be in flight: how often what to read depended on what was read before. */
  serialHops: number;
  /** Second reads of what a first one was late with. */
  hedgedReads: number;
  /** Records that needed no read. */
  cacheHits: number;
  /** Reads that a cache before the bucket answered. */
  storeCacheHits: number;
  lexicalMs: number;
  tablesMs: number;
  candidatesMs: number;
  rerankMs: number;
  exactMs: number;
  hitsMs: number;
  totalMs: number;
}

export interface SearchResult {
  hits: PageHit[];
  /** What the matches of hits are of: the query's tokens, or in a search by words alone the question's words. */
  tokens: QueryToken[];
  /** Searchable pages that passed the filter. */
  pagesMatched: number;
  manifestVersion: number;
  performance: SearchPerformance;
}

/** What a heat map is made from: the exact vectors that are stored of a page, or its codes. */
export type ExplanationSource = "vectors" | "codes";

/** Heat map of one page: for every query token, the best score inside every region. */
export interface PageExplanation {
  documentId: string;
  pageNumber: number;
  tokens: QueryToken[];
  kind: "words" | "regions" | "grid";
  columns: number;
  rows: number;
  /** `[regions][4]`, fractions of the page; for `grid` too (the cells). */
  boxes: [number, number, number, number][];
  /** The words under the boxes, for `words` geometry. */
  words: string[];
  /** `[tokens][regions]` cosines, rounded to 4 places; null where no vector sits. Regions of a `grid` are row-major. */
  scores: (number | null)[][];
  /** `[tokens]`: the best cosine among the vectors that sit nowhere on the page; null when it has no such vector. */
  unplaced: (number | null)[];
  /**
   * The page's score by vectors, of which a hybrid score is a part: Σ over tokens of the best of `scores` and `unplaced`, less
   * `lengthPenalty`; null when it has no vectors. Rounded to 4 places.
   */
  score: number | null;
  /** What the page's number of vectors takes off its score; 0 when the recipe has no length prior. */
  lengthPenalty: number;
}

/** Where a part of a document lies: `segments[segment]` of the manifest, row `ordinal` of its document table. */
export interface DocumentPlace {
  segment: number;
  ordinal: number;
}

/**
 * How the newest manifest is looked for. `newest`: from the hint in the bucket, three reads in two hops. `next`: from the version
 * at hand, one read when nothing follows it; only for a caller who knows that it was the newest moments ago.
 */
export type ManifestLook = "newest" | "next";

/** An opened index, as `openIndex` returns it. Requests may overlap each other and a refresh. */
export interface SearchableIndex {
  /** The version that the next request sees. */
  readonly manifest: Manifest;
  /** Metadata of the same version that has changed since segments were written: see `overlaid`. */
  readonly overlay: Overlay;
  /** Segment `position` of the manifest with its tables; read now unless it is resident. */
  openSegment(position: number): Promise<SegmentReader>;
  /** Every live part of a document, in the manifest's order; empty when the index does not have it. */
  findDocument(documentId: string): Promise<DocumentPlace[]>;
  /** Bytes held now: resident state, WASM memory and caches. */
  readonly memoryBytes: number;
  search(request: SearchRequest): Promise<SearchResult>;
  /** Counts the words of `text` in this index, for searches of which it holds a part. Errors: `path_unavailable`; of reading. */
  countTerms(text: string): Promise<{ counts: TermCounts; manifestVersion: number; cost: StepCost }>;
  /** A hybrid search up to where scores are fused: another part may have better ones. Errors: those of `search`. */
  rankPart(request: SearchRequest): Promise<PartRanking>;
  /** Hits of pages that `rankPart` ranked, in the order given; their `score` is not set (0). Errors: those of `search`. */
  showPart(request: ShownPages): Promise<{ hits: PageHit[]; manifestVersion: number; cost: StepCost }>;
  /** Errors: `document_not_found`, `page_not_found`. */
  explain(request: {
    query: EncodedQuery;
    documentId: string;
    pageNumber: number;
    /** Default `vectors`. */
    source?: ExplanationSource | undefined;
  }): Promise<PageExplanation>;
  /**
   * The same by words, without vectors: tokens are the question's words, and a score is what a word adds to the page's BM25, wherever
   * on the page it stands. Errors: also `path_unavailable` where words are not indexed.
   */
  explainWords(request: { text: string; documentId: string; pageNumber: number }): Promise<PageExplanation>;
  /**
   * Reads the manifest again and opens what is new: what was committed before the call is seen by every search that begins after
   * it. Errors: `index_not_found` when the index is gone.
   */
  refresh(look?: ManifestLook): Promise<void>;
  /** Lets go of everything held. */
  close(): void;
}
