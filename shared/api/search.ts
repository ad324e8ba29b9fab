/**
 * Bodies of the public search API: one set of schemas validates requests, types the handlers and makes `/openapi.json`.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import { accuracies, type CandidateSource, searchModes, searchPaths } from "../engine/contract.ts";
import {
  DEFAULT_K,
  MAX_FILTER_DOCUMENTS,
  MAX_K,
  MAX_METADATA_FIELDS,
  MAX_METADATA_VALUE_CHARS,
  MAX_NPROBE,
  MAX_QUERY_CHARS,
} from "../limits.ts";
import { textSources } from "../page.ts";

/** What a request sees of commits that returned before it began; see the field `consistency`. */
export const consistencies = ["bounded", "strong"] as const;
export type Consistency = (typeof consistencies)[number];

const consistencySchema = z.enum(consistencies).openapi({
  description:
    "What of the commits that returned before this request it sees. `bounded`, when absent: all but those of the last 10 seconds, or longer ago when the bucket cannot be reached. `strong`: all, for one read of the bucket before the answer; it fails when the bucket cannot be reached.",
});

const metadataValue = z.string().max(MAX_METADATA_VALUE_CHARS);

export const filterSchema = z
  .strictObject({
    documents: z
      .array(z.string())
      .min(1)
      .max(MAX_FILTER_DOCUMENTS)
      .optional()
      .openapi({ description: "Only pages of these documents (ids)." }),
    metadata: z
      .record(z.string(), z.union([metadataValue, z.array(metadataValue).min(1).max(MAX_FILTER_DOCUMENTS)]))
      .refine((fields) => Object.keys(fields).length <= MAX_METADATA_FIELDS, `more than ${MAX_METADATA_FIELDS} fields`)
      .optional()
      .openapi({ description: "Every field must have the value, or one of the values." }),
  })
  .openapi("Filter");

export const searchRequestSchema = z
  .strictObject({
    query: z.string().openapi({ description: `1 to ${MAX_QUERY_CHARS} characters.`, example: "revenue by region" }),
    k: z.number().int().min(1).max(MAX_K).default(DEFAULT_K).openapi({ description: "Pages to return." }),
    filter: filterSchema.optional(),
    mode: z.enum(searchModes).optional().openapi({
      description:
        "By what pages are ranked. `late` or `dense`: by vectors; an index answers the one that its recipe has. `lexical`: by the words of the question (BM25). `hybrid`: by both. Chosen for you by the index's recipe when absent. `candidates`, `exact`, `accuracy` and `nprobe` are about vectors: `lexical` does not use them.",
    }),
    candidates: z
      .number()
      .int()
      .min(1)
      .max(MAX_K * 8)
      .optional()
      .openapi({ description: "Pages reranked by PQ MaxSim. Chosen for you when absent." }),
    exact: z
      .number()
      .int()
      .min(0)
      .max(MAX_K)
      .optional()
      .openapi({ description: "Pages reranked by exact vectors; 0 turns it off. Chosen for you when absent." }),
    path: z.enum(searchPaths).optional().openapi({
      description:
        "How candidates are found. `resident`: in memory. `pruned`: by reading the lists of the nearest centroids. `sharded`: by Durable Objects that hold a part of the index each. Chosen by the size of the index when absent.",
    }),
    consistency: consistencySchema.optional(),
    accuracy: z
      .literal(accuracies)
      .optional()
      .openapi({
        // Of several literals the generator would list the first.
        type: ["number", "string"],
        enum: [...accuracies],
        description:
          "Share of the exact top 10 to find: the cheapest settings that reached it when the index was calibrated. `exact` scores every page by its exact vectors. `candidates`, `exact` and `nprobe` come before it.",
      }),
    nprobe: z
      .number()
      .int()
      .min(1)
      .max(MAX_NPROBE)
      .optional()
      .openapi({ description: "Centroids per query token whose lists are looked at. Chosen for you when absent." }),
  })
  .openapi("SearchRequest");

/** Fractions of the page: left, top, right, bottom. */
export const boxSchema = z.tuple([z.number(), z.number(), z.number(), z.number()]).openapi("Box");

export const tokenSchema = z
  .object({
    text: z.string(),
    start: z.number().int().openapi({ description: "First character of the query that this token covers." }),
    end: z.number().int(),
  })
  .openapi("QueryToken");

export const matchSchema = z
  .object({
    token: z.number().int().openapi({ description: "Position in `tokens`." }),
    score: z.number().openapi({
      description:
        "Cosine of the token's best vector on the page. In a search by words alone, what the word adds to the page's score.",
    }),
    text: z.string().optional().openapi({ description: "The word it matched." }),
    box: boxSchema.optional(),
    inDocumentName: z
      .boolean()
      .optional()
      .openapi({ description: "It matched a word of the document's name, which stands nowhere on the page." }),
  })
  .openapi("Match");

export const hitSchema = z
  .object({
    rank: z.number().int(),
    score: z.number().openapi({
      description:
        "By vectors: Σ over query tokens of the best cosine on the page, less `lengthPenalty`; may be below 0. By words: BM25. Of both: at most 1, comparable within one answer.",
    }),
    scores: z
      .object({ vectors: z.number(), words: z.number() })
      .optional()
      .openapi({ description: "What a hybrid score was made from." }),
    lengthPenalty: z.number().optional().openapi({
      description:
        "What the page's number of vectors took off its score by vectors. Absent when the recipe has no length prior, and from answers by words.",
    }),
    document: z.object({
      id: z.string(),
      name: z.string(),
      pageCount: z.number().int(),
      metadata: z.record(z.string(), z.string()),
    }),
    page: z.number().int().openapi({ description: "1-based." }),
    width: z.number(),
    height: z.number(),
    imageUrl: z.string(),
    thumbnailUrl: z.string(),
    snippet: z.string(),
    textSource: z
      .enum(textSources)
      .optional()
      .openapi({ description: "`ocr`: the page's words were read from its picture. Absent: from its text layer." }),
    matches: z.array(matchSchema),
  })
  .openapi("Hit");

const candidateSources = ["bags", "lists", "all", "words"] as const satisfies readonly CandidateSource[];

export const performanceSchema = z
  .object({
    mode: z.enum(searchModes),
    path: z.enum(searchPaths),
    candidateSource: z
      .enum(candidateSources)
      .openapi({ description: "The bags of all pages, lists of pages by centroid, words; or every page was scored." }),
    shards: z.number().int().optional().openapi({ description: "Shards asked; only on the sharded path." }),
    accuracy: z.number().optional().openapi({
      description: "Recall@10 that calibration measured for settings like these; absent when it did not.",
    }),
    nprobe: z.number().int().optional().openapi({ description: "Absent unless candidates came from lists." }),
    pagesSearched: z.number(),
    candidates: z.number(),
    exactPages: z.number(),
    cellsRead: z.number().openapi({ description: "Cells of centroids whose lists were looked at." }),
    terms: z.number().openapi({ description: "Different words looked up; 0 unless the mode ranks by words." }),
    termsLeftOut: z.number().openapi({ description: "Words not looked up, since too many pages have them." }),
    reads: z.number(),
    bytesRead: z.number(),
    serialReadWaves: z
      .number()
      .openapi({ description: "Reads that waited for an earlier one, in sequence; six may be in flight." }),
    serialHops: z.number().openapi({ description: "The same if any number could be in flight." }),
    hedgedReads: z.number().openapi({ description: "Second reads of what a first one was late with." }),
    cacheHits: z.number().openapi({ description: "Records that needed no read." }),
    storeCacheHits: z.number().openapi({ description: "Reads that the data centre's cache answered." }),
    encodeMs: z.number(),
    encodeCached: z.boolean(),
    lexicalMs: z.number(),
    tablesMs: z.number(),
    candidatesMs: z.number(),
    rerankMs: z.number(),
    exactMs: z.number(),
    hitsMs: z.number(),
    /** Everything after the query was encoded. */
    searchMs: z.number(),
    totalMs: z.number(),
  })
  .openapi("Performance");

export const partialSchema = z
  .object({
    shardsFailed: z.number().int(),
    shardsTotal: z.number().int(),
    pagesNotSearched: z
      .number()
      .int()
      .openapi({ description: "Pages with vectors in the shards that failed, whatever the filter." }),
    reasons: z.array(z.object({ shard: z.number().int(), code: z.string(), detail: z.string() })),
  })
  .openapi("Partial");

export const searchResponseSchema = z
  .object({
    index: z.string().openapi({ description: "The index that answered: of an alias, where it leads." }),
    query: z.string(),
    recipe: z.string(),
    manifestVersion: z.number().int(),
    tokens: z
      .array(tokenSchema)
      .openapi({ description: "Of the query, as the model splits it; in a search by words alone, its words." }),
    hits: z.array(hitSchema),
    pagesMatched: z.number().int().openapi({ description: "Searchable pages that passed the filter." }),
    partial: partialSchema
      .optional()
      .openapi({ description: "Present when a part of the index was not searched, and says which and why." }),
    performance: performanceSchema,
  })
  .openapi("SearchResponse");

export const explainRequestSchema = z
  .strictObject({
    query: z.string(),
    document: z.string().openapi({ description: "Document id." }),
    page: z.number().int().min(1),
    mode: z.enum(searchModes).optional().openapi({
      description:
        "`lexical`: by the words of the question, as such a search ranks; needs no encoder. Others, and when absent: by vectors.",
    }),
    consistency: consistencySchema.optional(),
  })
  .openapi("ExplainRequest");

export const explainResponseSchema = z
  .object({
    document: z.string(),
    page: z.number().int(),
    tokens: z.array(tokenSchema),
    kind: z.enum(["words", "regions", "grid"]),
    columns: z.number().int(),
    rows: z.number().int(),
    boxes: z.array(boxSchema),
    words: z.array(z.string()),
    scores: z
      .array(z.array(z.number().nullable()))
      .openapi({ description: "[tokens][boxes]: best cosine inside the box, null where no vector sits." }),
    unplaced: z.array(z.number().nullable()).openapi({
      description: "[tokens]: best cosine among vectors that sit nowhere on the page, null when it has none.",
    }),
    score: z.number().nullable().openapi({
      description:
        "The page's score by vectors: Σ over tokens of the best of `scores` and `unplaced`, less `lengthPenalty`; null without vectors.",
    }),
    lengthPenalty: z.number().openapi({
      description: "What the page's number of vectors takes off; 0 when the recipe has no length prior.",
    }),
  })
  .openapi("ExplainResponse");

export const indexSchema = z
  .object({
    name: z.string(),
    recipe: z.string(),
    modes: z.array(z.enum(searchModes)).openapi({ description: "What a search of it may ask for as `mode`." }),
    version: z.number().int(),
    updatedAt: z.iso.datetime(),
    documents: z.number().int(),
    pages: z.number().int(),
    searchablePages: z.number().int(),
    vectors: z.number().int(),
    bytes: z
      .number()
      .int()
      .openapi({ description: "Segments and codebook, without exact vectors, images and sources." }),
  })
  .openapi("Index");

export const aliasSchema = z
  .object({
    name: z.string(),
    index: z.string().openapi({ description: "The index that it leads to." }),
    changedAt: z.iso.datetime(),
  })
  .openapi("Alias");

export const indexListSchema = z
  .object({
    indexes: z.array(indexSchema),
    aliases: z
      .array(aliasSchema)
      .openapi({ description: "Other names of these indexes, which take their place in any address." }),
  })
  .openapi("IndexList");

export const documentSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    revision: z.string(),
    contentType: z.string(),
    sourceBytes: z.number().int(),
    pageCount: z.number().int(),
    searchablePages: z.number().int(),
    addedAt: z.iso.datetime(),
    metadata: z.record(z.string(), z.string()),
  })
  .openapi("Document");

export const documentListSchema = z
  .object({ documents: z.array(documentSchema), nextCursor: z.string().optional() })
  .openapi("DocumentList");

export const problemSchema = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    code: z.string(),
    detail: z.string(),
    instance: z.string().optional(),
  })
  .openapi("Problem");

export const healthSchema = z.object({ status: z.literal("ok"), version: z.string() }).openapi("Health");

export type SearchRequestBody = z.infer<typeof searchRequestSchema>;
export type SearchResponseBody = z.infer<typeof searchResponseSchema>;
export type ExplainResponseBody = z.infer<typeof explainResponseSchema>;
export type HitBody = z.infer<typeof hitSchema>;
export type IndexListBody = z.infer<typeof indexListSchema>;
export type IndexBody = z.infer<typeof indexSchema>;
export type DocumentBody = z.infer<typeof documentSchema>;
