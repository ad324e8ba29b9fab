/**
 * SHA-256 of files that are too large to hold.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";

export interface FileFacts {
  bytes: number;
  /** In hex. */
  sha256: string;
}

/** What this process has read before: a file that has the same size and time of change since is not read again. */
const known = new Map<string, { changedAt: bigint; facts: Promise<FileFacts> }>();

/** Reads in blocks of 4 MiB: the checksum of a file in the page cache is bound by the hash and not by calls. */
const READ_BYTES = 4 * 1024 * 1024;

/** Size and SHA-256 of the file; read once per process as long as it does not change. Throws what the file system throws. */
export async function fileFacts(path: string): Promise<FileFacts> {
  const { size, mtimeNs } = await stat(path, { bigint: true });
  const before = known.get(path);
  if (before?.changedAt === mtimeNs && (await before.facts).bytes === Number(size)) return before.facts;
  const facts = readFacts(path);
  known.set(path, { changedAt: mtimeNs, facts });
  // A failed read must not be remembered.
  facts.catch(() => known.delete(path));
  return facts;
}

async function readFacts(path: string): Promise<FileFacts> {
  const hash = createHash("sha256");
  let bytes = 0;
  const blocks: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: READ_BYTES });
  for await (const block of blocks) {
    hash.update(block);
    bytes += block.length;
  }
  return { bytes, sha256: hash.digest("hex") };
}
