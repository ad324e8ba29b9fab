/**
 * `GET /v1/indexes` and `GET /v1/indexes/{index}`: what there is to search.
 *
 * @module
 */
import { createRoute } from "@hono/zod-openapi";
import PQueue from "p-queue";
import { type IndexBody, indexListSchema, indexSchema } from "../../shared/api/search.ts";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { listAliases, readAlias } from "../../shared/format/aliases.ts";
import { listIndexes, readManifest } from "../../shared/format/manifest-store.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import { MAX_CONCURRENT_READS } from "../../shared/limits.ts";
import { parseIndexName } from "../../shared/names.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { summarizeIndex } from "../catalogue/index-summary.ts";
import type { EdgeApp } from "../http/edge-app.ts";
import type { Services } from "../services.ts";
import { indexParams } from "./params.ts";
import { json, readFailures, storeFailures } from "./responses.ts";

const listRoute = createRoute({
  method: "get",
  path: "/v1/indexes",
  tags: ["indexes"],
  summary: "Every index, by name, and the aliases that lead to them",
  responses: { 200: json(indexListSchema, "The indexes."), ...storeFailures },
});

const readRoute = createRoute({
  method: "get",
  path: "/v1/indexes/{index}",
  tags: ["indexes"],
  summary: "One index",
  request: { params: indexParams },
  responses: { 200: json(indexSchema, "The index."), ...readFailures },
});

export function registerIndexes(app: EdgeApp, { store }: Services): void {
  app.openapi(listRoute, async (c) => {
    const [names, aliases] = await Promise.all([listIndexes(store), listAliases(store)]);
    const reads = new PQueue({ concurrency: MAX_CONCURRENT_READS });
    const summaries = await reads.addAll(names.map((name) => async () => await summarizeNamed(store, name)));
    const indexes = summaries.filter((summary) => summary !== undefined);
    const own = new Set(indexes.map(({ name }) => name));
    return c.json(
      {
        indexes,
        aliases: aliases
          .filter(({ name, index }) => own.has(index) && !own.has(name))
          .map(({ name, index, changedAtMs }) => ({ name, index, changedAt: new Date(changedAtMs).toISOString() })),
      },
      200,
    );
  });

  app.openapi(readRoute, async (c) => {
    const name = parseIndexName(c.req.valid("param").index);
    const manifest = (await readManifest(store, name)) ?? (await readAliased(store, name));
    if (manifest === undefined) throw new MaxleafError("index_not_found", `there is no index ${quote(name)}`);
    return c.json(await summarizeIndex(store, manifest), 200);
  });
}

/** Undefined: dropped since it was listed. */
async function summarizeNamed(store: ObjectStore, name: string): Promise<IndexBody | undefined> {
  const manifest = await readManifest(store, name);
  return manifest && (await summarizeIndex(store, manifest));
}

async function readAliased(store: ObjectStore, name: string): Promise<Manifest | undefined> {
  const alias = await readAlias(store, name);
  return alias === undefined ? undefined : await readManifest(store, alias.index);
}
