/**
 * Documents added, changed and deleted, as `/openapi.json` describes it.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import {
  addDocumentsSchema,
  addFileQuerySchema,
  createUploadSchema,
  deletedDocumentsSchema,
  deleteDocumentsSchema,
  updateDocumentSchema,
  updatedDocumentSchema,
  uploadSchema,
} from "../../shared/api/admin.ts";
import { taskSchema } from "../../shared/api/tasks.ts";
import { MAX_ADMIN_JSON_BYTES, MAX_DIRECT_BODY_BYTES } from "../../shared/limits.ts";
import type { AdminRoute } from "./admin-route.ts";
import { documentParams, indexParams } from "./params.ts";
import { json } from "./responses.ts";

const file = z.string().openapi({ format: "binary" });
const upload = z
  .string()
  .openapi({ param: { name: "upload", in: "path" }, description: "As `POST …/uploads` gave it." });

export const documentRoutes: AdminRoute[] = [
  {
    maxBodyBytes: MAX_DIRECT_BODY_BYTES,
    config: {
      method: "post",
      path: "/v1/indexes/{index}/documents",
      tags: ["documents"],
      summary: "Add documents, or replace those of the same name",
      description:
        "The body is one file (then `name` says what it is called), a form with files, or JSON that lists uploads and addresses. The index is made when it is not there. The same file again is `unchanged`.",
      request: {
        params: indexParams,
        query: addFileQuerySchema.partial(),
        body: {
          required: true,
          content: {
            "application/json": { schema: addDocumentsSchema },
            "multipart/form-data": {
              schema: z.object({
                file: z.array(file).openapi({ description: "Each under the name of its document." }),
                metadata: z.string().optional().openapi({ description: "A JSON object, for all of them." }),
                webhook: z.string().optional(),
              }),
            },
            "application/octet-stream": { schema: file },
          },
        },
      },
      responses: { 202: json(taskSchema, "The task that will do it; `Location` is where it can be looked at.") },
    },
  },
  {
    maxBodyBytes: MAX_ADMIN_JSON_BYTES,
    config: {
      method: "post",
      path: "/v1/indexes/{index}/uploads",
      tags: ["documents"],
      summary: "Where to send a file that is too large for a body",
      request: {
        params: indexParams,
        body: { required: true, content: { "application/json": { schema: createUploadSchema } } },
      },
      responses: { 201: json(uploadSchema, "Send the file there, then name `uploadId` in `POST …/documents`.") },
    },
  },
  {
    maxBodyBytes: MAX_DIRECT_BODY_BYTES,
    config: {
      method: "put",
      path: "/v1/uploads/{upload}",
      tags: ["documents"],
      summary: "Send an announced file, where the bucket has no address for it",
      request: {
        params: z.object({ upload }),
        body: { required: true, content: { "application/octet-stream": { schema: file } } },
      },
      responses: { 204: { description: "It is there." } },
    },
  },
  {
    maxBodyBytes: 0,
    config: {
      method: "delete",
      path: "/v1/indexes/{index}/documents/{document}",
      tags: ["documents"],
      summary: "Delete a document with its pages and pictures",
      request: { params: documentParams },
      responses: { 200: json(deletedDocumentsSchema, "It is committed: no search of this version finds it.") },
    },
  },
  {
    maxBodyBytes: MAX_ADMIN_JSON_BYTES,
    config: {
      method: "post",
      path: "/v1/indexes/{index}/documents/delete",
      tags: ["documents"],
      summary: "Delete several documents in one commit",
      request: {
        params: indexParams,
        body: { required: true, content: { "application/json": { schema: deleteDocumentsSchema } } },
      },
      responses: { 200: json(deletedDocumentsSchema, "It is committed; `absent` were not there.") },
    },
  },
  {
    maxBodyBytes: MAX_ADMIN_JSON_BYTES,
    config: {
      method: "patch",
      path: "/v1/indexes/{index}/documents/{document}",
      tags: ["documents"],
      summary: "Change a document's metadata, without reading it again",
      request: {
        params: documentParams,
        body: { required: true, content: { "application/json": { schema: updateDocumentSchema } } },
      },
      responses: { 200: json(updatedDocumentSchema, "It is committed.") },
    },
  },
];
