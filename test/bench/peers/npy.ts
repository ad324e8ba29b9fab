/**
 * NumPy's array files, format version 1.0: magic, header length, a Python literal padded so that the data are aligned to 64
 * bytes, then the values in C order (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
 *
 * @module
 */
import { type FileHandle, open } from "node:fs/promises";

const MAGIC = Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0]);
const PREFIX_BYTES = MAGIC.byteLength + 2;
const ALIGNMENT = 64;

export interface NpyHeader {
  /** `<f4` is float32, `<i8` int64. */
  type: string;
  shape: number[];
  /** Where the values begin. */
  dataOffset: number;
}

/** The bytes before the values. */
export function npyHeader(type: string, shape: readonly number[]): Buffer {
  const sizes = `${shape.join(", ")}${shape.length === 1 ? "," : ""}`;
  const literal = `{'descr': '${type}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const bytes = Math.ceil((PREFIX_BYTES + literal.length + 1) / ALIGNMENT) * ALIGNMENT - PREFIX_BYTES;
  const prefix = Buffer.concat([MAGIC, Buffer.alloc(2)]);
  prefix.writeUInt16LE(bytes, MAGIC.byteLength);
  return Buffer.concat([prefix, Buffer.from(`${literal.padEnd(bytes - 1)}\n`, "latin1")]);
}

/** What the first bytes of a file say; throws when they are not those of such a file. */
export function parseNpyHeader(bytes: Buffer, what: string): NpyHeader {
  if (!bytes.subarray(0, MAGIC.byteLength).equals(MAGIC)) throw new Error(`${what} is no NumPy file of version 1.0`);
  const dataOffset = PREFIX_BYTES + bytes.readUInt16LE(MAGIC.byteLength);
  const literal = bytes.toString("latin1", PREFIX_BYTES, dataOffset);
  const type = /'descr': '([^']+)'/.exec(literal)?.[1];
  const sizes = /'shape': \(([^)]*)\)/.exec(literal)?.[1];
  if (type === undefined || sizes === undefined || literal.includes("'fortran_order': True")) {
    throw new Error(`${what} has a header that is not understood: ${literal.trim()}`);
  }
  const shape = sizes.split(",").filter((part) => part.trim() !== "");
  return { type, shape: shape.map(Number), dataOffset };
}

/** A matrix of floats on disk, read row by row. */
export class NpyMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly #file: FileHandle;
  readonly #dataOffset: number;

  private constructor(file: FileHandle, { shape, dataOffset }: NpyHeader) {
    [this.rows = 0, this.columns = 0] = shape;
    this.#file = file;
    this.#dataOffset = dataOffset;
  }

  /** @throws Error unless the file holds a matrix of float32. */
  static async open(path: string): Promise<NpyMatrix> {
    const file = await open(path);
    const start = Buffer.alloc(4096);
    await file.read(start, 0, start.byteLength, 0);
    const header = parseNpyHeader(start, path);
    if (header.type === "<f4" && header.shape.length === 2) return new NpyMatrix(file, header);
    await file.close();
    throw new Error(`${path} is no matrix of float32 but ${header.type} ${header.shape.join(" × ")}`);
  }

  /** Rows `[first, first + count)`. */
  async read(first: number, count: number): Promise<Float32Array> {
    const values = new Float32Array(count * this.columns);
    const bytes = new Uint8Array(values.buffer);
    const offset = this.#dataOffset + first * this.columns * Float32Array.BYTES_PER_ELEMENT;
    for (let filled = 0; filled < bytes.byteLength;) {
      const { bytesRead } = await this.#file.read(bytes, filled, bytes.byteLength - filled, offset + filled);
      if (bytesRead === 0) throw new Error(`the file ends before row ${first + count}`);
      filled += bytesRead;
    }
    return values;
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** The numbers of a file of int64. */
export function parseNpyIntegers(bytes: Buffer, what: string): number[] {
  const { type, shape, dataOffset } = parseNpyHeader(bytes, what);
  if (type !== "<i8" || shape.length !== 1) throw new Error(`${what} is no list of int64 but ${type}`);
  return Array.from({ length: shape[0] ?? 0 }, (_, i) => Number(bytes.readBigInt64LE(dataOffset + 8 * i)));
}
