/**
 * Indexes and aliases made, changed and removed, as `/openapi.json` describes it.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import {
  aliasListSchema,
  changedIndexSchema,
  createIndexSchema,
  maintainIndexSchema,
  putAliasSchema,
  removeAliasQuerySchema,
} from "../../shared/api/admin.ts";
import { aliasSchema } from "../../shared/api/search.ts";
import { taskSchema } from "../../shared/api/tasks.ts";
import { MAX_ADMIN_JSON_BYTES } from "../../shared/limits.ts";
import type { AdminRoute } from "./admin-route.ts";
import { indexParams } from "./params.ts";
import { json, problem } from "./responses.ts";

const alias = z.string().openapi({ param: { name: "alias", in: "path" }, example: "reports", description: "Alias." });
const aliasPrecondition = problem("The alias does not lead where `expected` says: `precondition_failed`.");
const aliasParams = z.object({ alias });

function maintenance(verb: "compact" | "retrain", summary: string): AdminRoute {
  return {
    maxBodyBytes: MAX_ADMIN_JSON_BYTES,
    config: {
      method: "post",
      path: `/v1/indexes/{index}/${verb}`,
      tags: ["indexes"],
      summary,
      request: {
        params: indexParams,
        body: { required: false, content: { "application/json": { schema: maintainIndexSchema } } },
      },
      responses: { 202: json(taskSchema, "The task that will do it; `Location` is where it can be looked at.") },
    },
  };
}

export const indexRoutes: AdminRoute[] = [
  {
    maxBodyBytes: MAX_ADMIN_JSON_BYTES,
    config: {
      method: "post",
      path: "/v1/indexes",
      tags: ["indexes"],
      summary: "Create an index without documents",
      request: { body: { required: true, content: { "application/json": { schema: createIndexSchema } } } },
      responses: {
        200: json(changedIndexSchema, "It was there like this already."),
        201: json(changedIndexSchema, "It is made."),
      },
    },
  },
  {
    maxBodyBytes: 0,
    config: {
      method: "delete",
      path: "/v1/indexes/{index}",
      tags: ["indexes"],
      summary: "Drop an index, which can be restored until a garbage collection",
      request: { params: indexParams },
      responses: { 200: json(changedIndexSchema, "It is dropped.") },
    },
  },
  {
    maxBodyBytes: 0,
    config: {
      method: "post",
      path: "/v1/indexes/{index}/restore",
      tags: ["indexes"],
      summary: "Bring back a dropped index",
      request: { params: indexParams },
      responses: { 200: json(changedIndexSchema, "It is there again.") },
    },
  },
  maintenance("compact", "Merge small segments and leave out deleted pages"),
  maintenance("retrain", "Train the codebook anew from the stored vectors"),
  {
    maxBodyBytes: 0,
    config: {
      method: "get",
      path: "/v1/aliases",
      tags: ["indexes"],
      summary: "Every alias, by name",
      responses: { 200: json(aliasListSchema, "The aliases.") },
    },
  },
  {
    maxBodyBytes: MAX_ADMIN_JSON_BYTES,
    config: {
      method: "put",
      path: "/v1/aliases/{alias}",
      tags: ["indexes"],
      summary: "Lead an alias to an index, at once for everybody",
      request: {
        params: aliasParams,
        body: { required: true, content: { "application/json": { schema: putAliasSchema } } },
      },
      responses: {
        200: json(aliasSchema, "It leads there."),
        201: json(aliasSchema, "It is made."),
        412: aliasPrecondition,
      },
    },
  },
  {
    maxBodyBytes: 0,
    config: {
      method: "delete",
      path: "/v1/aliases/{alias}",
      tags: ["indexes"],
      summary: "Remove an alias; the index stays",
      request: { params: aliasParams, query: removeAliasQuerySchema },
      responses: { 200: json(aliasSchema, "What it was."), 412: aliasPrecondition },
    },
  },
];
