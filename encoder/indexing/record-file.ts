/**
 * Values in a file of this machine's own, by Node's structured serialisation: pages that wait to be indexed, or encoded
 * pages kept between evaluation runs. No format anyone else reads: docs/format.md describes those.
 *
 * @module
 */
import { type FileHandle, mkdir, mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { deserialize, serialize } from "node:v8";
import { MaxleafError } from "../../shared/errors.ts";

/** Where a value lies in its file. */
export interface RecordPlace {
  offset: number;
  length: number;
}

/** Values in, places out. Calls may overlap. */
export class RecordFile<T> {
  readonly #file: FileHandle;
  #end: number;

  private constructor(file: FileHandle, end: number) {
    this.#file = file;
    this.#end = end;
  }

  /**
   * A file without a name: nothing is left behind, however the process ends.
   *
   * @param folder where it is made, itself made when absent; default: the system's folder for temporary files.
   */
  static async createTemporary<T>(folder: string = tmpdir()): Promise<RecordFile<T>> {
    await mkdir(folder, { recursive: true });
    const own = await mkdtemp(path.join(folder, "maxleaf-"));
    try {
      return await RecordFile.create<T>(path.join(own, "records"));
    } finally {
      await rm(own, { recursive: true, force: true });
    }
  }

  /** A new file; one that is there is overwritten. */
  static async create<T>(file: string): Promise<RecordFile<T>> {
    return new RecordFile<T>(await open(file, "w+", 0o600), 0);
  }

  /** A file made by {@link RecordFile.create}, to read. */
  static async open<T>(file: string): Promise<RecordFile<T>> {
    const handle = await open(file, "r");
    return new RecordFile<T>(handle, (await handle.stat()).size);
  }

  async append(value: T): Promise<RecordPlace> {
    const bytes = serialize(value);
    const place = { offset: this.#end, length: bytes.byteLength };
    this.#end += bytes.byteLength;
    let written = 0;
    while (written < bytes.byteLength) {
      const rest = bytes.byteLength - written;
      written += (await this.#file.write(bytes, written, rest, place.offset + written)).bytesWritten;
    }
    return place;
  }

  async read({ offset, length }: RecordPlace): Promise<T> {
    if (offset + length > this.#end) {
      throw new MaxleafError(
        "internal",
        `a record should end at byte ${offset + length} but its file ends at ${this.#end}`,
      );
    }
    const bytes = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await this.#file.read(bytes, filled, length - filled, offset + filled);
      if (bytesRead === 0) throw new MaxleafError("internal", `the file of records was cut at byte ${offset + filled}`);
      filled += bytesRead;
    }
    const value: T = deserialize(bytes);
    return value;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
