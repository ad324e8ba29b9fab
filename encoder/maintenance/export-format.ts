/**
 * An index as a folder:
 *
 * - `objects/…` every object under its key below the index, as it is in the bucket,
 * - `objects.jsonl` a line per object: key, size, SHA-256, media type,
 * - `manifest.json` the manifest, as it is in the bucket,
 * - `maxleaf-export.json` written last: what it is, and the SHA-256 of the two before. Without it an export is not complete.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import { MaxleafError, quote } from "../../shared/errors.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import { layout } from "../../shared/store/layout.ts";
import { parseRelativeKey } from "./object-kinds.ts";

export const EXPORT_FORMAT = 1;
/** Bytes of an object read or hashed at once; larger ones go in ranges. */
export const RANGE_BYTES = 8 * 1024 * 1024;
/** Objects on their way at once, each with a range in memory. */
export const OBJECTS_AT_ONCE = 6;

export const exportFiles = (folder: string) => ({
  head: join(folder, "maxleaf-export.json"),
  manifest: join(folder, "manifest.json"),
  list: join(folder, "objects.jsonl"),
  /** Of which index an export was begun. */
  begun: join(folder, "begun.txt"),
  objects: join(folder, "objects"),
  object: (key: string) => join(folder, "objects", ...key.split("/")),
});

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.number().int().nonnegative();

export const exportHeadSchema = z.strictObject({
  format: z.literal(EXPORT_FORMAT),
  index: z.string(),
  manifestVersion: count,
  exportedAt: z.string(),
  objects: count,
  bytes: count,
  listSha256: sha256,
  manifestSha256: sha256,
});
export type ExportHead = z.infer<typeof exportHeadSchema>;

export const exportedObjectSchema = z.strictObject({
  /** Below the index; of a kind that an index has. */
  key: z.string().refine((key) => isExportable(key), { message: "no key of an index's object" }),
  bytes: count,
  sha256,
  contentType: z.string().optional(),
});
export type ExportedObject = z.infer<typeof exportedObjectSchema>;

/** Never a manifest: those are made by committing. */
function isExportable(key: string): boolean {
  const { kind } = parseRelativeKey(key);
  return kind !== "unknown" && kind !== "current" && kind !== "manifest" && kind !== "clock";
}

/** Keys below the index of what the manifest itself refers to, with the sizes that it says. */
export function referredSizes({ index, codebook, segments, inverted, overlay }: Manifest): Map<string, number> {
  const prefix = layout.index(index);
  const sizes: [string, number][] = segments.flatMap(({ id, bytes, vectorsBytes }): [string, number][] => [
    [layout.segment(index, id), bytes],
    [layout.vectors(index, id), vectorsBytes],
  ]);
  if (codebook !== undefined) sizes.push([layout.codebook(index, codebook.id), codebook.bytes]);
  if (overlay !== undefined) sizes.push([layout.overlay(index, overlay.id), overlay.bytes]);
  if (inverted !== undefined) {
    const { id, bytes, parts, lexical } = inverted;
    sizes.push([layout.inverted(index, id), bytes]);
    for (const [part, size] of parts.entries()) sizes.push([layout.invertedPart(index, id, part), size]);
    if (lexical !== undefined) sizes.push([layout.lexical(index, id), lexical.bytes]);
    for (const [part, size] of (lexical?.parts ?? []).entries()) {
      sizes.push([layout.lexicalPart(index, id, part), size]);
    }
  }
  return new Map(sizes.map(([key, bytes]) => [key.slice(prefix.length), bytes]));
}

/** The objects of a list, line by line. Throws `corrupt_data` for a line that is none. */
export async function* readObjectList(path: string): AsyncGenerator<ExportedObject> {
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    number += 1;
    yield parseExport(exportedObjectSchema, line, `line ${number} of ${path}`);
  }
}

/** `text` as JSON of `schema`. Throws `corrupt_data`. */
export function parseExport<T>(schema: z.ZodType<T>, text: string, what: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new MaxleafError("corrupt_data", `${what} is corrupt: it is not JSON`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const problem = `its field ${quote(issue?.path.join("."))} is wrong: ${issue?.message}`;
  throw new MaxleafError("corrupt_data", `${what} is corrupt: ${problem}`);
}

/** SHA-256 and size of a file, which is read in pieces. */
export async function hashFile(path: string): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: RANGE_BYTES / 8 })) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { sha256: hash.digest("hex"), bytes };
}
