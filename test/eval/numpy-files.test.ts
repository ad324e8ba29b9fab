import { crc32, deflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { readNpy, readNpz } from "./numpy-files.ts";

function npy(type: string, shape: string, data: ArrayBufferView): Buffer {
  const header = Buffer.from(`{'descr': '${type}', 'fortran_order': False, 'shape': (${shape}), }\n`, "latin1");
  const prefix = Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, header.length, 0]);
  return Buffer.concat([prefix, header, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);
}

/** One file per entry; every second one deflated, as `np.savez_compressed` does. */
function zip(files: Record<string, Buffer>): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  Object.entries(files).forEach(([name, bytes], position) => {
    const packed = position % 2 === 0 ? bytes : deflateRawSync(bytes);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(position % 2 === 0 ? 0 : 8, 4);
    fields.writeUInt32LE(crc32(bytes), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(bytes.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const extra = Buffer.from([1, 0, 0, 0]);
    fields.writeUInt16LE(extra.length, 24);
    locals.push(Buffer.from("PK\x03\x04"), fields, Buffer.from(name), extra, packed);
    const place = Buffer.alloc(12);
    place.writeUInt32LE(offset, 8);
    const own = Buffer.from(fields);
    own.writeUInt16LE(0, 24);
    directory.push(Buffer.from("PK\x01\x02\x14\x00"), own, Buffer.alloc(2), place, Buffer.from(name));
    offset += 30 + name.length + extra.length + packed.length;
  });
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(Object.keys(files).length, 10);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, ...directory, end]);
}

describe("NumPy's files", () => {
  const floats = npy("<f4", "2, 3", Float32Array.of(1, 2, 3, 4, 5, 6.5));
  const integers = npy("<i8", "2,", BigInt64Array.of(7n, -8n));

  it("gives arrays with their shapes", () => {
    expect(readNpy(floats)).toEqual({ values: Float32Array.of(1, 2, 3, 4, 5, 6.5), shape: [2, 3] });
    expect(readNpy(integers)).toEqual({ values: Float32Array.of(7, -8), shape: [2] });
  });

  it("refuses other types and cut files", () => {
    expect(() => readNpy(npy("<f8", "1,", Float64Array.of(1)))).toThrow("<f8");
    expect(() => readNpy(floats.subarray(0, floats.length - 1))).toThrow("24 bytes");
  });

  it("opens archives, stored and deflated", () => {
    const arrays = readNpz(zip({ "a.npy": floats, "b.npy": integers }));
    expect([...arrays]).toEqual([
      ["a", readNpy(floats)],
      ["b", readNpy(integers)],
    ]);
  });
});
