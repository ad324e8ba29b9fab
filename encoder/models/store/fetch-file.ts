/**
 * One file from the hub into a file on disk, however often the connection breaks.
 *
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import pRetry from "p-retry";
import { MaxleafError, quote } from "../../../shared/errors.ts";
import { BrokenOff, type Hub, type HubFile } from "./hub.ts";

/** Breaks in a row without a byte gained, after which it is given up. */
const RETRIES = 4;
const RETRY_WAIT_MS = 500;

export interface FetchFileOptions {
  hub: Hub;
  repository: string;
  commit: string;
  file: HubFile;
  /** Grows as bytes come. What an earlier run left in it is kept: name it by the content. */
  partPath: string;
  signal?: AbortSignal | undefined;
  retryWaitMs?: number | undefined;
  /** Bytes of the file that are there now. */
  onBytes?: ((bytes: number) => void) | undefined;
}

/**
 * Fetches what `partPath` lacks of the file, and proves the whole by the hub's checksum; hashing goes along with writing.
 *
 * Errors: `model_unavailable` when the hub stays away or the bytes are not the file's; the part is then removed in the second
 * case and kept in the first.
 *
 * @returns SHA-256 in hex, and how many bytes were there before.
 */
export async function fetchFile(options: FetchFileOptions): Promise<{ sha256: string; resumedFromByte: number }> {
  const { hub, signal, retryWaitMs = RETRY_WAIT_MS } = options;
  let resumedFromByte: number | undefined;
  let reached = 0;
  let gained = false;
  const attempt = async () => {
    await using part = await open(options.partPath, "a+");
    const digest = new FileDigest(options.file);
    const from = await digestPart(part, options, digest);
    resumedFromByte ??= from;
    reached = Math.max(reached, from);
    gained = false;
    await append(part, options, digest, from, (bytes) => {
      gained ||= bytes > reached;
      reached = Math.max(reached, bytes);
    });
    await part.datasync();
    return digest;
  };
  try {
    const shouldRetry = ({ error }: { error: Error }) => error instanceof BrokenOff;
    const retry = { retries: RETRIES, minTimeout: retryWaitMs, signal, shouldRetry, shouldConsumeRetry: () => !gained };
    let facts = (await pRetry(attempt, retry)).finish();
    if (facts.found !== options.file.checksum.hex && (resumedFromByte ?? 0) > 0) {
      // What an earlier run left may be at fault: once more, all of it.
      await rm(options.partPath, { force: true });
      resumedFromByte = 0;
      reached = 0;
      facts = (await pRetry(attempt, retry)).finish();
    }
    if (facts.found !== options.file.checksum.hex) throw await mismatch(facts.found, options);
    return { sha256: facts.sha256, resumedFromByte: resumedFromByte ?? 0 };
  } catch (error) {
    throw error instanceof BrokenOff ? hub.unreachable(error) : error;
  }
}

/** Hashes what is there; a part that cannot be the beginning of the file is emptied. */
async function digestPart(part: FileHandle, { file, partPath }: FetchFileOptions, digest: FileDigest): Promise<number> {
  const { size } = await part.stat();
  if (size > file.bytes) {
    await part.truncate(0);
    return 0;
  }
  if (size === 0) return 0;
  const blocks: AsyncIterable<Buffer> = createReadStream(partPath, { end: size - 1 });
  for await (const block of blocks) digest.update(block);
  return size;
}

async function append(
  part: FileHandle,
  { hub, repository, commit, file, onBytes }: FetchFileOptions,
  digest: FileDigest,
  from: number,
  onWritten: (bytes: number) => void,
): Promise<void> {
  onBytes?.(from);
  if (from === file.bytes) return;
  let at = from;
  for await (const chunk of hub.read(repository, commit, file, from)) {
    await part.appendFile(chunk);
    digest.update(chunk);
    at += chunk.byteLength;
    onWritten(at);
    onBytes?.(at);
  }
}

async function mismatch(found: string, { repository, file, partPath }: FetchFileOptions): Promise<MaxleafError> {
  await rm(partPath, { force: true });
  return new MaxleafError(
    "model_unavailable",
    `the file ${quote(file.path)} of ${quote(repository)} came with ${file.checksum.kind} checksum ${found} where the hub says ${file.checksum.hex}; pull it again`,
    { details: { file: file.path } },
  );
}

/** SHA-256, and beside it what the hub's checksum is of. */
export class FileDigest {
  readonly #sha256 = createHash("sha256");
  readonly #gitBlob: Hash | undefined;

  constructor({ bytes, checksum }: Pick<HubFile, "bytes" | "checksum">) {
    // Git's id of a blob: SHA-1 of "blob", its size, a zero and the content.
    this.#gitBlob = checksum.kind === "git-blob" ? createHash("sha1").update(`blob ${bytes}\0`) : undefined;
  }

  update(block: Uint8Array): void {
    this.#sha256.update(block);
    this.#gitBlob?.update(block);
  }

  /** `found` is of the kind that the hub gave. */
  finish(): { sha256: string; found: string } {
    const sha256 = this.#sha256.digest("hex");
    return { sha256, found: this.#gitBlob?.digest("hex") ?? sha256 };
  }
}
