/**
 * `maxleaf-model.json`, the lock file of a model's folder: which commit of which repository its files are, and their
 * checksums. `maxleaf models pull` writes it last, so a folder that has one is complete.
 *
 * @module
 */
import { open } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { MaxleafError, quote } from "../../../shared/errors.ts";

export const MODEL_LOCK_FILE = "maxleaf-model.json";
/** Beside the model's files while they are fetched: a folder that has it and no lock is not finished. */
export const PARTS_FOLDER = ".maxleaf-parts";
/** Says which process pulls into the folder. */
export const PULLING_FILE = ".maxleaf-pulling.json";

/** Far above a dozen files of 200 bytes each. Ours. */
const MAX_LOCK_BYTES = 1024 * 1024;
const MAX_LOCK_FILES = 1000;

/** A path below the model's folder: no way out of it, on Windows either. */
export const modelFilePathSchema = z
  .string()
  .min(1)
  .max(512)
  .refine((path) => !/[\\:\0]|^\/|(^|\/)(\.\.?)?(\/|$)/u.test(path), "is not a relative path below the model's folder");

export const modelLockSchema = z.strictObject({
  formatVersion: z.literal(1),
  /** Of the hub, `owner/name`. */
  repository: z.string().min(1).max(256),
  /** The commit that every file is of: 40 hex digits. */
  commit: z.string().regex(/^[0-9a-f]{40}$/u),
  files: z
    .array(
      z.strictObject({
        path: modelFilePathSchema,
        bytes: z.int().nonnegative(),
        /** Of the whole file, in hex. */
        sha256: z.string().regex(/^[0-9a-f]{64}$/u),
      }),
    )
    .max(MAX_LOCK_FILES),
});

export type ModelLock = z.infer<typeof modelLockSchema>;
export type LockedFile = ModelLock["files"][number];

/**
 * The lock of the model's folder; undefined if it has none.
 *
 * Errors: `model_unavailable` for a lock that cannot be read or is not one.
 */
export async function readModelLock(folder: string): Promise<ModelLock | undefined> {
  const path = join(folder, MODEL_LOCK_FILE);
  const text = await readLockText(path);
  if (text === undefined) return undefined;
  const parsed = modelLockSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue === undefined || issue.path.length === 0 ? "" : ` at ${issue.path.join(".")}`;
  throw new MaxleafError("model_unavailable", `${quote(path, 200)} is not a model's lock file${where}`, {
    cause: parsed.error,
  });
}

async function readLockText(path: string): Promise<string | undefined> {
  try {
    await using file = await open(path, "r");
    const { size } = await file.stat();
    if (size > MAX_LOCK_BYTES) throw new Error(`it has ${size} bytes, more than ${MAX_LOCK_BYTES}`);
    return await file.readFile("utf8");
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new MaxleafError("model_unavailable", `${quote(path, 200)} cannot be read: ${why}`, { cause });
  }
}

/** Whether a file operation failed because there is no such file or folder. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
