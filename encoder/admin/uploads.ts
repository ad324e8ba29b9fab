/**
 * Uploads: files that go into the bucket without passing the edge worker, whose bodies are limited.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import { createUploadSchema, type UploadBody } from "../../shared/api/admin.ts";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { MAX_DIRECT_BODY_BYTES, UPLOAD_EXPIRES_SECONDS } from "../../shared/limits.ts";
import { parseDocumentName, parseIndexName } from "../../shared/names.ts";
import { type Clock, systemClock } from "../../shared/ports.ts";
import { layout } from "../../shared/store/layout.ts";
import type { AdminServices } from "./admin-services.ts";
import { readJson } from "./read-json.ts";

const uploadIdSchema = z.uuid();

/**
 * Where the announced file is to go. Errors: those of `readJson`; `invalid_name`; `file_too_large` when it is too large for a
 * body and the bucket gives no addresses.
 */
export async function createUpload(
  { presignPut }: AdminServices,
  index: string,
  request: Request,
  clock: Clock = systemClock,
): Promise<UploadBody> {
  parseIndexName(index);
  const { name, bytes, contentType } = await readJson(request, createUploadSchema);
  parseDocumentName(name.normalize("NFC"));
  const uploadId = crypto.randomUUID();
  const expiresAt = new Date(clock.nowMs() + UPLOAD_EXPIRES_SECONDS * 1_000).toISOString();
  const upload = { uploadId, method: "PUT", expiresAt } as const;
  if (presignPut !== undefined) {
    const file = { bytes, contentType, expiresInSeconds: UPLOAD_EXPIRES_SECONDS };
    return { ...upload, ...(await presignPut(layout.upload(uploadId), file)) };
  }
  if (bytes <= MAX_DIRECT_BODY_BYTES) {
    return { ...upload, url: `/v1/uploads/${uploadId}`, headers: { "content-type": contentType } };
  }
  const message = `${quote(name)} has ${bytes} bytes; without a bucket that presigns the limit is ${MAX_DIRECT_BODY_BYTES}`;
  throw new MaxleafError("file_too_large", message);
}

/** `id`, which becomes part of a key, or `upload_not_found`. */
export function parseUploadId(id: string): string {
  if (uploadIdSchema.safeParse(id).success) return id;
  throw new MaxleafError("upload_not_found", `there is no upload ${quote(id)}`);
}
