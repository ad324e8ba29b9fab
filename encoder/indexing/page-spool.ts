/**
 * Encoded pages waiting for their codebook, in a temporary file: the first ingestion of an index can train only when it
 * has seen everything, and a hundred thousand pages (86 KB each with 654 vectors) do not fit in memory.
 *
 * @module
 */
import { type FileHandle, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { deserialize, serialize } from "node:v8";
import { MaxleafError } from "../../shared/errors.ts";
import type { PageVectors } from "../../shared/format/contract.ts";
import type { EncodedPage } from "../../shared/page.ts";

/** A page whose vectors are kept as int8; `page.vectors` is empty. */
export interface QuantizedPage {
  page: EncodedPage;
  exact: PageVectors;
}

/** Where a spooled page lies. */
export interface SpoolTicket {
  offset: number;
  length: number;
  vectorCount: number;
}

/** Pages in, tickets out. Calls may overlap. The file is this process's own and never outlives it. */
export class PageSpool {
  readonly #file: FileHandle;
  #end = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** @param folder where the file is made; default: the system's folder for temporary files. */
  static async create(folder: string = tmpdir()): Promise<PageSpool> {
    const own = await mkdtemp(path.join(folder, "maxleaf-spool-"));
    try {
      return new PageSpool(await open(path.join(own, "pages"), "wx+", 0o600));
    } finally {
      // The open file stays usable without its name, and nothing is left behind when the process is killed.
      await rm(own, { recursive: true, force: true });
    }
  }

  async append(page: QuantizedPage): Promise<SpoolTicket> {
    const bytes = serialize(page);
    const ticket = { offset: this.#end, length: bytes.byteLength, vectorCount: page.page.vectorCount };
    this.#end += bytes.byteLength;
    let written = 0;
    while (written < bytes.byteLength) {
      const length = bytes.byteLength - written;
      written += (await this.#file.write(bytes, written, length, ticket.offset + written)).bytesWritten;
    }
    return ticket;
  }

  async read({ offset, length }: SpoolTicket): Promise<QuantizedPage> {
    const bytes = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await this.#file.read(bytes, filled, length - filled, offset + filled);
      if (bytesRead === 0) throw new MaxleafError("internal", `the spool ends before byte ${offset + length}`);
      filled += bytesRead;
    }
    const page: QuantizedPage = deserialize(bytes);
    return page;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
