import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter, concatBytes } from "./bytes.ts";

describe("byte reader and writer", () => {
  it("read back every kind of number", () => {
    const bytes = new ByteWriter()
      .u8(255)
      .u16(65_535)
      .u32(4_294_967_295)
      .f32(0.5)
      .f64(Math.PI)
      .shortString("é")
      .finish();
    const reader = new ByteReader(bytes, "numbers");
    expect([reader.u8("a"), reader.u16("b"), reader.u32("c"), reader.f32("d"), reader.f64("e")]).toEqual([
      255,
      65_535,
      4_294_967_295,
      0.5,
      Math.PI,
    ]);
    expect(reader.shortString("f")).toBe("é");
    expect(reader.remaining).toBe(0);
  });

  it("write little-endian", () => {
    expect(new ByteWriter().u32(0x0102_0304).u16(0x0506).finish()).toEqual(Uint8Array.of(4, 3, 2, 1, 6, 5));
  });

  it("read back varints in as few bytes as they need", () => {
    const number = fc.oneof(fc.nat(300), fc.nat(0xffff), fc.integer({ min: 0, max: 0xffff_ffff }));
    fc.assert(
      fc.property(number, (value) => {
        const bytes = new ByteWriter().varint(value).finish();
        expect(new ByteReader(bytes, "varint").varint("value")).toBe(value);
        expect(bytes.byteLength).toBe(Math.max(1, Math.ceil(value.toString(2).length / 7)));
      }),
    );
  });

  it("read arrays from any alignment, as copies", () => {
    const bytes = new ByteWriter().u8(0).array(Uint16Array.of(1, 2)).array(Float32Array.of(3)).finish();
    const reader = new ByteReader(bytes, "arrays");
    reader.u8("shift");
    const numbers = reader.u16Array(2, "numbers");
    bytes.fill(0, 1, 5);
    expect(numbers).toEqual(Uint16Array.of(1, 2));
    expect(reader.f32Array(1, "floats")).toEqual(Float32Array.of(3));
  });

  it("name what is too short, where, and by how much", () => {
    const reader = new ByteReader(new Uint8Array(6), "segment x, pages");
    reader.u32("first");
    expect(() => reader.u32("second")).toThrow(
      "segment x, pages is corrupt: second needs 4 bytes at offset 4 but only 2 of 6 are left",
    );
  });

  it.each([2 ** 32, 2 ** 52, Number.MAX_SAFE_INTEGER])("refuse an array of %d before allocating it", (count) => {
    const reader = new ByteReader(new Uint8Array(8), "array");
    expect(() => reader.f32Array(count, "values")).toThrow(expect.objectContaining({ code: "corrupt_data" }));
  });

  it("refuse varints of more than 32 bits", () => {
    for (const bytes of [[0xff, 0xff, 0xff, 0xff, 0x7f], [0x80, 0x80, 0x80, 0x80, 0x80, 0x00], [0x80]]) {
      const reader = new ByteReader(Uint8Array.from(bytes), "varint");
      expect(() => reader.varint("value")).toThrow(expect.objectContaining({ code: "corrupt_data" }));
    }
  });

  it("refuse bytes after the end", () => {
    const reader = new ByteReader(new Uint8Array(3), "thing");
    reader.u8("first");
    expect(() => reader.expectEnd()).toThrow("thing is corrupt: 2 bytes follow its end");
  });

  it("join parts", () => {
    expect(concatBytes([Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3)])).toEqual(Uint8Array.of(1, 2, 3));
  });
});
