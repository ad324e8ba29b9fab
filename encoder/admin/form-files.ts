/**
 * A `multipart/form-data` body as files on the disk and a few fields.
 *
 * @module
 */
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Busboy } from "@fastify/busboy";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { diskFailure } from "../storage/disk-failure.ts";
import { MAX_MULTIPART_FILES } from "../../shared/limits.ts";

/** Fields beside the files: `metadata`, `webhook`, and room for what is then refused by name. */
const MAX_FIELDS = 8;
/** Bytes of a field: the metadata of a document, at its limits, has 66 kB. */
const MAX_FIELD_BYTES = 128 * 1024;
/** Headers of one part. */
const MAX_PART_HEADER_BYTES = 16 * 1024;

/** A file of a form. */
export interface FormFile {
  name: string;
  path: string;
  contentType: string;
}

export type FormFields = Map<string, string>;

/**
 * Writes the files of `body` into `folder`, which the caller removes.
 *
 * Errors: `invalid_request` when it is no such form, breaks off, has too many parts, a field twice or an empty file name; those of
 * `diskFailure`.
 */
export async function saveForm(
  body: Readable,
  contentType: string,
  folder: string,
): Promise<{ files: FormFile[]; fields: FormFields }> {
  const files: FormFile[] = [];
  const fields: FormFields = new Map();
  const writes: Promise<void>[] = [];
  let refusal: MaxleafError | undefined;
  const refuse = (message: string) => (refusal ??= new MaxleafError("invalid_request", message));
  const parser = openParser(contentType);
  parser.on("file", (field, stream, name, _encoding, type) => {
    const path = join(folder, String(files.length));
    if (name === "") refuse(`the file of field ${quote(field)} has no name`);
    files.push({ name, path, contentType: type });
    const written = pipeline(stream, createWriteStream(path));
    // A file that cannot be written leaves its part unread, and the form behind it would never come to its end.
    written.catch((error: Error) => parser.destroy(error));
    writes.push(written);
  });
  parser.on("field", (field, value, _nameTruncated, truncated) => {
    if (truncated) refuse(`field ${quote(field)} has more than ${MAX_FIELD_BYTES} bytes`);
    if (fields.has(field)) refuse(`field ${quote(field)} is there twice`);
    fields.set(field, value);
  });
  parser.on("filesLimit", () => refuse(`more than ${MAX_MULTIPART_FILES} files in one body`));
  parser.on("fieldsLimit", () => refuse(`more than ${MAX_FIELDS} fields beside the files`));
  try {
    await pipeline(body, parser);
    await Promise.all(writes);
  } catch (cause) {
    if (cause instanceof MaxleafError) throw cause;
    const failure = diskFailure(cause);
    if (failure !== undefined) throw failure;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new MaxleafError("invalid_request", `the body is no whole multipart/form-data: ${why}`, { cause });
  }
  if (refusal !== undefined) throw refusal;
  return { files, fields };
}

function openParser(contentType: string) {
  try {
    return new Busboy({
      headers: { "content-type": contentType },
      // A document's name is a path: `2025/q1.pdf`.
      preservePath: true,
      isPartAFile: (_field, _type, name) => name !== undefined,
      limits: {
        files: MAX_MULTIPART_FILES,
        fields: MAX_FIELDS,
        fieldSize: MAX_FIELD_BYTES,
        headerSize: MAX_PART_HEADER_BYTES,
      },
    });
  } catch (cause) {
    throw new MaxleafError("invalid_request", `${quote(contentType)} names no boundary of a form`, { cause });
  }
}
