/**
 * The body of `GET /v1/indexes/{index}/documents/{document}/pages`.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import { pageStatuses } from "../page.ts";

export const documentPageSchema = z
  .object({
    page: z.number().int().openapi({ description: "1-based." }),
    status: z.enum(pageStatuses).openapi({
      description:
        "`searchable`: it has vectors and can be found. `no-text`: it has none, since nothing was read on it; it is shown all the same.",
    }),
    vectorCount: z.number().int(),
    width: z.number().openapi({ description: "As shown, in points or pixels." }),
    height: z.number(),
    imageUrl: z.string(),
    thumbnailUrl: z.string(),
  })
  .openapi("DocumentPage");

export const documentPagesSchema = z
  .object({
    document: z.object({
      id: z.string(),
      name: z.string(),
      revision: z
        .string()
        .openapi({ description: "The version that these pages are of: another one while paging means begin again." }),
      pageCount: z.number().int(),
    }),
    pages: z.array(documentPageSchema),
    nextCursor: z.string().optional(),
  })
  .openapi("DocumentPages");

export type DocumentPagesBody = z.infer<typeof documentPagesSchema>;
