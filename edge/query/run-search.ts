/**
 * A search from the question to the answer's body: in this isolate, or over the shards of an index that needs more than one
 * memory.
 *
 * @module
 */
import type { SearchRequestBody, SearchResponseBody } from "../../shared/api/search.ts";
import type { SearchableIndex, SearchPath, SearchRequest } from "../../shared/engine/contract.ts";
import { MaxleafError, quote } from "../../shared/errors.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import type { Services } from "../services.ts";
import { searchShards, type ShardedSearch } from "../shards/fan-out.ts";
import type { OpenedManifest } from "../shards/opened-manifest.ts";
import { fitsOneIsolate, fitsShards } from "../shards/placement.ts";
import type { Background, CachedEncoding } from "./cached-encoder.ts";
import { normalizeQuery } from "./query-text.ts";
import { toSearchFilter, toSearchResponse } from "./search-response.ts";

/** A question as it came: `index` is a checked name, of an index or an alias. */
export interface Question {
  index: string;
  body: SearchRequestBody;
}

/** Errors: those of the query's text, of the encoder, of opening the index and of searching it. */
export async function runSearch(
  services: Services,
  { index, body }: Question,
  background: Background,
): Promise<SearchResponseBody> {
  const startedAtMs = performance.now();
  const query = normalizeQuery(body.query);

  const encode = async (manifest: Manifest) => {
    const encodeStartedAtMs = performance.now();
    const encoding = await services.encoder.encode(manifest, query, background);
    const { index: name, recipe } = manifest;
    return { ...encoding, name, recipe: recipe.name, encodeMs: performance.now() - encodeStartedAtMs };
  };
  // The answer names the index itself, and so do the addresses of pictures: wherever an alias leads next, they stay right.
  const respond = ({ encoded, cached, name, recipe, encodeMs }: Encoding, { result, partial }: Found) => {
    const timings = { encodeMs, encodeCached: cached, totalMs: performance.now() - startedAtMs };
    return toSearchResponse({ index: name, recipe, query, tokens: encoded.tokens }, result, timings, partial);
  };

  const path = await choosePath(services, { index, body }, background);
  const overShards = async (opened: OpenedManifest) => {
    const encoding = await encode(opened.manifest);
    // Without the text, shards rank by vectors: see choosePath.
    return respond(encoding, await askShards(services, opened, toEngineSearch(body, encoding)));
  };
  const here = async (opened: SearchableIndex) => {
    const encoding = await encode(opened.manifest);
    const result = await opened.search({ ...toEngineSearch(body, encoding), text: query, path });
    return respond(encoding, { result, partial: undefined });
  };
  return path === "sharded"
    ? await services.manifests.withIndex(index, background, overShards, body.consistency)
    : await services.indexes.withIndex(index, background, here, body.consistency);
}

type Encoding = CachedEncoding & { name: string; recipe: string; encodeMs: number };
type Found = Omit<ShardedSearch, "result"> & { result: Parameters<typeof toSearchResponse>[1] };

/**
 * What the caller asked for; or shards where the deployment wants them for what one isolate cannot hold. Else undefined: the
 * engine's own choice.
 *
 * How rare a word is, and so what BM25 gives, depends on all pages, and a shard has some: searches by words are not spread over
 * shards. An index that needs shards has an inverted file, so that one isolate can read what it needs of its words.
 *
 * Errors: `path_unavailable` for a search by words over shards.
 */
async function choosePath(
  { searchPath, manifests, shardMemoryBytes }: Services,
  { index, body: { path: asked, mode } }: Question,
  background: Background,
): Promise<SearchPath | undefined> {
  const isByWords = mode === "lexical" || mode === "hybrid";
  if (isByWords && asked === "sharded") {
    throw new MaxleafError(
      "path_unavailable",
      `mode ${quote(mode)} is not searched over shards: leave path out, or ask for "pruned"`,
    );
  }
  if (isByWords || asked !== undefined || searchPath === undefined || searchPath === "pruned") return asked;
  if (searchPath !== "sharded") {
    throw new MaxleafError("internal", `SEARCH_PATH is ${quote(searchPath)}; it must be "pruned" or "sharded"`);
  }
  return await manifests.withIndex(index, background, async ({ manifest }) =>
    !fitsOneIsolate(manifest) && fitsShards(manifest, shardMemoryBytes) ? "sharded" : undefined,
  );
}

function toEngineSearch(body: SearchRequestBody, { encoded }: CachedEncoding): Omit<SearchRequest, "path"> {
  const { k, mode, candidates, exact, accuracy, nprobe } = body;
  return { query: encoded, k, mode, filter: toSearchFilter(body.filter), candidates, exact, accuracy, nprobe };
}

/** Asks all shards; once more by the newest manifest when a shard has seen a newer one than ours. */
async function askShards(
  { shards, shardMemoryBytes: memoryBytes, shardDeadlineMs: deadlineMs }: Services,
  opened: OpenedManifest,
  search: Omit<SearchRequest, "path">,
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
