/**
 * Bodies of the writing routes. The encoder service checks them; the edge describes them in `/openapi.json` and passes them
 * on.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import { indexSettingsSchema } from "../format/manifest.ts";
import {
  MAX_DELETED_DOCUMENTS,
  MAX_METADATA_FIELDS,
  MAX_METADATA_VALUE_CHARS,
  MAX_SOURCE_BYTES,
  MAX_TASK_DOCUMENTS,
  MAX_URL_CHARS,
} from "../limits.ts";
import { aliasSchema } from "./search.ts";
import { taskStatuses } from "./tasks.ts";

const count = z.number().int().nonnegative();
const field = z.string().min(1).max(MAX_METADATA_VALUE_CHARS);
const value = z.string().max(MAX_METADATA_VALUE_CHARS);

/** In a refinement: no more fields than a document may have. */
const fewFields = (fields: object) => Object.keys(fields).length <= MAX_METADATA_FIELDS;
const tooManyFields = `more than ${MAX_METADATA_FIELDS} fields`;

export const metadataSchema = z
  .record(field, value)
  .refine(fewFields, tooManyFields)
  .openapi({ description: "Fields and their values. Absent: a document that is replaced keeps its own." });

export const webhookSchema = z
  .strictObject({ url: z.url().max(MAX_URL_CHARS) })
  .openapi("Webhook", { description: "Told by a signed POST when the task is over." });

const addedDocumentSchema = z
  .strictObject({
    name: z
      .string()
      .openapi({ description: "What the document is called; the same name replaces.", example: "2025/q1.pdf" }),
    metadata: metadataSchema.optional(),
    url: z.url().max(MAX_URL_CHARS).optional().openapi({ description: "Fetched from there, if its host is allowed." }),
    uploadId: z.uuid().optional().openapi({ description: "As an upload gave it." }),
  })
  .refine(({ url, uploadId }) => (url === undefined) !== (uploadId === undefined), "give either url or uploadId")
  .openapi("AddedDocument");

export const addDocumentsSchema = z
  .strictObject({
    documents: z.array(addedDocumentSchema).min(1).max(MAX_TASK_DOCUMENTS),
    webhook: webhookSchema.optional(),
  })
  .openapi("AddDocumentsRequest");

export const createUploadSchema = z
  .strictObject({
    name: z.string().openapi({ description: "Of the document that it will be.", example: "2025/q1.pdf" }),
    bytes: z.number().int().min(1).max(MAX_SOURCE_BYTES),
    contentType: z
      .string()
      .max(128)
      .regex(/^[\w.+-]+\/[\w.+-]+$/, "is no media type")
      .openapi({ example: "application/pdf" }),
  })
  .openapi("CreateUploadRequest");

export const uploadSchema = z
  .strictObject({
    uploadId: z.uuid(),
    method: z.literal("PUT"),
    url: z.string().openapi({
      description:
        "Where the file goes, exactly as announced. An address of the bucket that is good without a key; or, where it has none, a path of this API that takes the admin key.",
    }),
    headers: z.record(z.string(), z.string()).openapi({ description: "To be sent with it." }),
    expiresAt: z.iso.datetime(),
  })
  .openapi("Upload");

export const deleteDocumentsSchema = z
  .strictObject({
    documents: z
      .array(z.string())
      .min(1)
      .max(MAX_DELETED_DOCUMENTS)
      .openapi({ description: "Ids or names; what has the form of an id is one." }),
  })
  .openapi("DeleteDocumentsRequest");

export const deletedDocumentsSchema = z
  .strictObject({
    index: z.string(),
    deleted: z.array(z.strictObject({ id: z.string(), name: z.string(), pageCount: count })),
    absent: z.array(z.string()).openapi({ description: "Of those asked for, what the index did not have." }),
    manifestVersion: count.openapi({ description: "From this version on no search finds them." }),
  })
  .openapi("DeletedDocuments");

export const updateDocumentSchema = z
  .strictObject({
    metadata: z
      .record(field, value.nullable())
      .refine(fewFields, tooManyFields)
      .openapi({ description: "A merge patch (RFC 7396): null removes a field, fields that are not named stay." }),
  })
  .openapi("UpdateDocumentRequest");

export const updatedDocumentSchema = z
  .strictObject({
    index: z.string(),
    document: z.strictObject({ id: z.string(), name: z.string(), metadata: z.record(z.string(), z.string()) }),
    changed: z.boolean(),
    manifestVersion: count,
  })
  .openapi("UpdatedDocument");

export const createIndexSchema = z
  .strictObject({
    name: z.string().openapi({ example: "reports" }),
    recipe: z.string().optional().openapi({ description: "How pages become vectors.", example: "minilm-words" }),
    settings: indexSettingsSchema.optional().openapi("IndexSettings"),
  })
  .openapi("CreateIndexRequest");

export const changedIndexSchema = z
  .strictObject({
    index: z.string(),
    recipe: z.string(),
    settings: indexSettingsSchema.optional(),
    manifestVersion: count,
    droppedAt: z.iso.datetime().optional().openapi({ description: "Until gc removes it, it can be restored." }),
  })
  .openapi("ChangedIndex");

/** Of routes whose body may be absent. */
export const maintainIndexSchema = z
  .strictObject({ webhook: webhookSchema.optional() })
  .openapi("MaintainIndexRequest");

const expected = z.string().openapi({ description: "Only when it leads there now. Absent: wherever it leads." });

export const putAliasSchema = z
  .strictObject({
    index: z.string(),
    expected: expected.nullable().optional().openapi({
      description: "Only when it leads there now; null: only when there is no such alias. Absent: wherever it leads.",
    }),
  })
  .openapi("PutAliasRequest");
/** Query of `DELETE /v1/aliases/{alias}`. */
export const removeAliasQuerySchema = z.object({ expected: expected.optional() });
export const aliasListSchema = z.strictObject({ aliases: z.array(aliasSchema) }).openapi("AliasList");

const DEFAULT_TASKS = 20;
const MAX_TASKS = 100;

/** Query of `GET /v1/tasks`. */
export const taskListQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(MAX_TASKS).default(DEFAULT_TASKS),
  cursor: z.string().optional().openapi({ description: "`nextCursor` of the list before." }),
  index: z.string().optional(),
  status: z.enum(taskStatuses).optional(),
});

/** Query of `POST …/documents` with the file as the body. */
export const addFileQuerySchema = z.object({
  name: z.string().openapi({ description: "What the document is called.", example: "2025/q1.pdf" }),
  metadata: z
    .string()
    .optional()
    .openapi({ description: "A JSON object of fields and values.", example: '{"year":"2025"}' }),
  webhook: z.string().optional().openapi({ description: "Address that is told when the task is over." }),
});

export type UploadBody = z.infer<typeof uploadSchema>;
export type DeletedDocumentsBody = z.infer<typeof deletedDocumentsSchema>;
export type UpdatedDocumentBody = z.infer<typeof updatedDocumentSchema>;
export type ChangedIndexBody = z.infer<typeof changedIndexSchema>;
export type AliasBody = z.infer<typeof aliasSchema>;
