/**
 * A search from the question to the answer's body: in this isolate, or over the shards of an index that needs more than one
 * memory.
 *
 * @module
 */
import type { SearchRequestBody, SearchResponseBody } from "../../shared/api/search.ts";
import type { EncodedQuery, SearchableIndex, SearchPath, SearchRequest } from "../../shared/engine/contract.ts";
import { MaxleafError, quote } from "../../shared/errors.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import type { Services } from "../services.ts";
import { searchShards, type ShardedQuestion, type ShardedSearch } from "../shards/fan-out.ts";
import type { OpenedManifest } from "../shards/opened-manifest.ts";
import { fitsOneIsolate, fitsShards } from "../shards/placement.ts";
import type { Background } from "./cached-encoder.ts";
import { normalizeQuery } from "./query-text.ts";
import { QueryVectors, type TimedEncoding } from "./query-vectors.ts";
import { toSearchFilter, toSearchResponse } from "./search-response.ts";

/** A question as it came: `index` is a checked name, of an index or an alias. */
export interface Question {
  index: string;
  body: SearchRequestBody;
}

/**
 * A search by words alone asks no encoder: it works where there is none.
 *
 * Errors: those of the query's text, of the encoder, of opening the index and of searching it.
 */
export async function runSearch(
  services: Services,
  { index, body }: Question,
  background: Background,
): Promise<SearchResponseBody> {
  const startedAtMs = performance.now();
  const text = normalizeQuery(body.query);
  const vectors = body.mode === "lexical" ? undefined : new QueryVectors(services.encoder, text, background);

  /** Searches with vectors that are being made, and answers when they are there. */
  const answer = async (manifest: Manifest, search: (query: Promise<EncodedQuery> | undefined) => Promise<Found>) => {
    const encoding = vectors?.of(manifest);
    const query = encoding?.then(({ encoded }) => encoded);
    // What fails first is the answer: a search does not wait for vectors to say that its filter is wrong.
    query?.catch(() => undefined);
    const { result, partial } = await search(query);
    // The answer names the index itself, and so do the addresses of pictures: wherever an alias leads next, they stay right.
    const asked = { index: manifest.index, recipe: manifest.recipe.name, query: text };
    const { encodeMs, cached } = (await encoding) ?? NOT_ENCODED;
    const timings = { encodeMs, encodeCached: cached, totalMs: performance.now() - startedAtMs };
    return toSearchResponse(asked, result, timings, partial);
  };

  const path = await choosePath(services, { index, body }, background);
  const overShards = async (opened: OpenedManifest) =>
    await answer(opened.manifest, (query) => askShards(services, opened, { ...toEngineSearch(body), text, query }));
  const here = async (opened: SearchableIndex) =>
    await answer(opened.manifest, async (query) => {
      const result = await opened.search({ ...toEngineSearch(body), query, text, path });
      return { result, partial: undefined };
    });
  const foresee = (manifest: Manifest): void => vectors?.foresee(manifest);
  return path === "sharded"
    ? await services.manifests.withIndex(index, background, overShards, body.consistency)
    : await services.indexes.withIndex(index, background, here, body.consistency, foresee);
}

type Found = Omit<ShardedSearch, "result"> & { result: Parameters<typeof toSearchResponse>[1] };

/** Of an answer that took no vectors. */
const NOT_ENCODED: Pick<TimedEncoding, "encodeMs" | "cached"> = { encodeMs: 0, cached: false };

/**
 * What the caller asked for; or shards where the deployment wants them for what one isolate cannot hold. Else undefined: the
 * engine's own choice.
 */
async function choosePath(
  { searchPath, manifests, shardMemoryBytes }: Services,
  { index, body: { path: asked } }: Question,
  background: Background,
): Promise<SearchPath | undefined> {
  if (asked !== undefined || searchPath === undefined || searchPath === "pruned") return asked;
  if (searchPath !== "sharded") {
    throw new MaxleafError("internal", `SEARCH_PATH is ${quote(searchPath)}; it must be "pruned" or "sharded"`);
  }
  return await manifests.withIndex(index, background, async ({ manifest }) =>
    !fitsOneIsolate(manifest) && fitsShards(manifest, shardMemoryBytes) ? "sharded" : undefined,
  );
}

function toEngineSearch(body: SearchRequestBody): Omit<SearchRequest, "path" | "query" | "text"> {
  const { k, mode, candidates, exact, accuracy, nprobe } = body;
  return { k, mode, filter: toSearchFilter(body.filter), candidates, exact, accuracy, nprobe };
}

/** Asks all shards; once more by the newest manifest when a shard has seen a newer one than ours. */
async function askShards(
  { shards, shardMemoryBytes: memoryBytes, shardDeadlineMs: deadlineMs }: Services,
  opened: OpenedManifest,
  search: ShardedQuestion,
): Promise<ShardedSearch> {
  const ask = () => searchShards({ shards, manifest: opened.manifest, search, memoryBytes, deadlineMs });
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof MaxleafError) || error.code !== "manifest_superseded") throw error;
    await opened.refresh();
    return await ask();
  }
}
