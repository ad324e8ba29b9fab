/**
 * Reads NumPy's files: `.npy` arrays of floats and `.npz` archives of them, as data sets of vectors are handed out.
 *
 * @module
 */
import { inflateRawSync } from "node:zlib";

const NPY_PREFIX_BYTES = 10;
/** Of zip's "end of central directory" record without a comment (APPNOTE 4.3.16), as NumPy writes it. */
const ZIP_END_BYTES = 22;
const ZIP_ENTRY_BYTES = 46;
const ZIP_LOCAL_BYTES = 30;
const ZIP_DEFLATED = 8;

export interface NumpyArray {
  values: Float32Array;
  shape: number[];
}

/** An array of `<f4` or `<i8`, row-major; integers come as floats. Throws on anything else. */
export function readNpy(bytes: Buffer): NumpyArray {
  const headerBytes = bytes.readUInt16LE(NPY_PREFIX_BYTES - 2);
  const header = bytes.toString("latin1", NPY_PREFIX_BYTES, NPY_PREFIX_BYTES + headerBytes);
  const [, type = "", shapeText = ""] =
    /'descr': '([^']+)', 'fortran_order': False, 'shape': \(([^)]*)\)/.exec(header) ?? [];
  const shape = shapeText.split(",").filter(Boolean).map(Number);
  const start = NPY_PREFIX_BYTES + headerBytes;
  const count = shape.reduce((product, size) => product * size, 1);
  // A copy: the data need not be aligned in the file.
  if (type === "<f4") return { values: new Float32Array(bufferOf(bytes, start, 4 * count)), shape };
  if (type === "<i8")
    return { values: Float32Array.from(new BigInt64Array(bufferOf(bytes, start, 8 * count)), Number), shape };
  throw new Error(`an array of type ${JSON.stringify(type)} is not read here: ${header}`);
}

/** The arrays of an archive by name, in the order of the archive. */
export function readNpz(bytes: Buffer): Map<string, NumpyArray> {
  const end = bytes.length - ZIP_END_BYTES;
  const arrays = new Map<string, NumpyArray>();
  let entry = bytes.readUInt32LE(end + 16);
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left--) {
    const method = bytes.readUInt16LE(entry + 10);
    const packedBytes = bytes.readUInt32LE(entry + 20);
    const nameBytes = bytes.readUInt16LE(entry + 28);
    const name = bytes.toString("utf8", entry + ZIP_ENTRY_BYTES, entry + ZIP_ENTRY_BYTES + nameBytes);
    const local = bytes.readUInt32LE(entry + 42);
    const start = local + ZIP_LOCAL_BYTES + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const packed = bytes.subarray(start, start + packedBytes);
    arrays.set(name.replace(/\.npy$/, ""), readNpy(method === ZIP_DEFLATED ? inflateRawSync(packed) : packed));
    entry += ZIP_ENTRY_BYTES + nameBytes + bytes.readUInt16LE(entry + 30) + bytes.readUInt16LE(entry + 32);
  }
  return arrays;
}

function bufferOf(bytes: Buffer, start: number, length: number): ArrayBuffer {
  if (start + length > bytes.length) throw new Error(`an array of ${length} bytes in a file of ${bytes.length}`);
  return Uint8Array.from(bytes.subarray(start, start + length)).buffer;
}
