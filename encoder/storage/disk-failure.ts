/**
 * Failures of this machine's disk, told from those of whoever sends what is written to it.
 *
 * @module
 */
import { MaxleafError } from "../../shared/errors.ts";

/** No room: for bytes, of a quota, for open files. */
const NO_ROOM: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EMFILE", "ENFILE"]);
/** Codes that only a file can fail with. */
const OF_DISK: ReadonlySet<string> = new Set(["EIO", "EROFS", "ENOENT", "ENOTDIR", "EACCES", "EFBIG", ...NO_ROOM]);

/**
 * What to fail with instead of `cause` when that is the disk's: `overloaded` where it has no room, which may pass, else `cause`
 * itself, a fault of this machine. Undefined for everything else.
 */
export function diskFailure(cause: unknown): Error | undefined {
  if (!(cause instanceof Error) || !("code" in cause) || typeof cause.code !== "string") return undefined;
  if (!OF_DISK.has(cause.code)) return undefined;
  if (!NO_ROOM.has(cause.code)) return cause;
  return new MaxleafError("overloaded", `this machine has no room for files: ${cause.code}`, { cause });
}
