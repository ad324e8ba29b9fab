/**
 * Answers of the API for states that are hard to bring about for real. Every body goes through the API's own schema, so
 * that a fixture cannot drift from what the edge sends.
 *
 * @module
 */
import {
  explainResponseSchema,
  indexListSchema,
  problemSchema,
  searchResponseSchema,
} from "../../../shared/api/search.ts";
import type { ExplainResponseBody, HitBody, SearchResponseBody } from "../../../shared/api/search.ts";

export const QUERY = "revenue by region";
export const DOCUMENT_ID = "0123456789abcdef0123";

const TOKENS = [
  { text: "revenue", start: 0, end: 7 },
  { text: "by", start: 8, end: 10 },
  { text: "region", start: 11, end: 17 },
];

/** The body of an index list with these names. */
export function indexList(...names: string[]) {
  return indexListWithAliases(names, {});
}

/** The same with `aliases`, by name where each leads. */
export function indexListWithAliases(names: readonly string[], aliases: Readonly<Record<string, string>>) {
  const indexes = names.map((name) => ({
    name,
    recipe: "minilm-words",
    version: 3,
    updatedAt: "2026-11-24T12:00:00.000Z",
    documents: 7,
    pages: 24,
    searchablePages: 23,
    vectors: 9_000,
    bytes: 200_000,
    modes: ["late", "lexical", "hybrid"],
  }));
  const changedAt = "2026-11-24T12:00:00.000Z";
  const led = Object.entries(aliases).map(([name, index]) => ({ name, index, changedAt }));
  return indexListSchema.parse({ indexes, aliases: led });
}

/** A hit on page `rank` of a document called `name`. */
export function hit(rank: number, name = "reports/annual-report.pdf"): HitBody {
  return {
    rank,
    score: 2.9 - rank * 0.2,
    document: { id: DOCUMENT_ID, name, pageCount: 12, metadata: {} },
    page: rank,
    width: 612,
    height: 792,
    imageUrl: `/images/page-${rank}.webp`,
    thumbnailUrl: `/images/thumbnail-${rank}.webp`,
    snippet: "Sales by territory: the region that grew most was the north, where revenue rose by 12 %.",
    matches: [
      { token: 0, score: 0.95, text: "revenue", box: [0.5, 0.2, 0.62, 0.22] },
      { token: 1, score: 0.9, text: "by", box: [0.2, 0.2, 0.23, 0.22] },
      { token: 2, score: 0.4, text: "territory:", box: [0.25, 0.3, 0.4, 0.32] },
    ],
  };
}

export function searchResponse(hits: HitBody[], pagesMatched = 23): SearchResponseBody {
  return searchResponseSchema.parse({
    index: "samples",
    query: QUERY,
    recipe: "minilm-words",
    manifestVersion: 3,
    tokens: TOKENS,
    hits,
    pagesMatched,
    performance: {
      mode: "late",
      path: "resident",
      candidateSource: "bags",
      pagesSearched: pagesMatched,
      candidates: 23,
      exactPages: 10,
      cellsRead: 0,
      terms: 0,
      termsLeftOut: 0,
      reads: 5,
      bytesRead: 180_000,
      serialReadWaves: 3,
      serialHops: 2,
      hedgedReads: 0,
      cacheHits: 2,
      storeCacheHits: 0,
      encodeMs: 9.2,
      encodeCached: false,
      tablesMs: 0.3,
      candidatesMs: 0.2,
      lexicalMs: 0,
      rerankMs: 1.1,
      exactMs: 0.6,
      hitsMs: 0.8,
      searchMs: 3.4,
      totalMs: 14.1,
    },
  });
}

/** A patch grid, as vision recipes have it: token t scores highest in column t, and one cell has no vector. */
export function gridExplanation(columns = 8, rows = 10): ExplainResponseBody {
  const cells = Array.from({ length: columns * rows }, (_, cell) => ({
    column: cell % columns,
    row: Math.floor(cell / columns),
  }));
  return explainResponseSchema.parse({
    document: DOCUMENT_ID,
    page: 1,
    tokens: TOKENS,
    kind: "grid",
    columns,
    rows,
    boxes: cells.map(({ column, row }) => [column / columns, row / rows, (column + 1) / columns, (row + 1) / rows]),
    words: [],
    scores: TOKENS.map((_, token) =>
      cells.map(({ column }, cell) => (cell === columns * rows - 1 ? null : column === token ? 0.9 : 0.1)),
    ),
    unplaced: TOKENS.map(() => null),
    score: 2.7,
    lengthPenalty: 0,
  });
}

/** A problem body and its status. */
export function problem(status: number, code: string, detail: string) {
  return {
    status,
    body: problemSchema.parse({ type: `urn:maxleaf:error:${code}`, title: code, status, code, detail }),
  };
}
