/**
 * The admin key of a data folder: made once, so that scripts may keep it.
 *
 * @module
 */
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { MaxleafError, quote } from "../../shared/errors.ts";
import type { DataDir } from "./data-dir.ts";

const KEY_BYTES = 32;
/** Its owner alone may read it. */
const OWNER_ONLY = 0o600;
const USABLE_KEY = /^[\x21-\x7e]+$/;

/**
 * The key in the file `admin-key`, which is made when it is not there. A person may put another one into it.
 *
 * Errors: `invalid_request` when the file cannot be read or written, or has no key.
 */
export async function readAdminKey({ adminKey: path }: DataDir): Promise<string> {
  try {
    const key = randomBytes(KEY_BYTES).toString("base64url");
    await writeFile(path, `${key}\n`, { flag: "wx", mode: OWNER_ONLY });
    return key;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw unusable(path, error);
  }
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw unusable(path, error);
  });
  const key = text.trim();
  if (USABLE_KEY.test(key)) return key;
  throw new MaxleafError("invalid_request", `${quote(path)} has no admin key: remove it, and another is made`);
}

function unusable(path: string, cause: unknown): MaxleafError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new MaxleafError("invalid_request", `the admin key in ${quote(path)} cannot be used: ${why}`, { cause });
}
