import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeHalf, encodeHalf, floatsToHalves, halvesToFloats } from "./float16.ts";

const ALL_BITS = Array.from({ length: 65_536 }, (_, bits) => bits);
/** Exponent all ones with a mantissa. */
const isNanBits = (bits: number) => (bits & 0x7fff) > 0x7c00;

describe("halves", () => {
  it.each([
    // IEEE 754-2019, binary16: https://en.wikipedia.org/wiki/Half-precision_floating-point_format#Half_precision_examples
    [0x0000, 0],
    [0x0001, 2 ** -24],
    [0x03ff, 2 ** -14 * (1023 / 1024)],
    [0x0400, 2 ** -14],
    [0x3555, 0.333251953125],
    [0x3bff, 1 - 2 ** -11],
    [0x3c00, 1],
    [0x3c01, 1 + 2 ** -10],
    [0x7bff, 65_504],
    [0x7c00, Infinity],
    [0x8000, -0],
    [0xc000, -2],
    [0xfc00, -Infinity],
  ])("%i stands for %d, both ways", (bits, value) => {
    expect(decodeHalf(bits)).toBe(value);
    expect(encodeHalf(value)).toBe(bits);
  });

  it("come back from numbers as they were, all 65,536 of them", () => {
    const floats = halvesToFloats(Uint16Array.from(ALL_BITS));
    const back = floatsToHalves(floats);
    expect(ALL_BITS.filter((bits) => (isNanBits(bits) ? !Number.isNaN(floats[bits]) : back[bits] !== bits))).toEqual(
      [],
    );
  });

  it("are the nearest to a number, ties to even", () => {
    const values = halvesToFloats(Uint16Array.from({ length: 0x7c00 }, (_, bits) => bits));
    fc.assert(
      fc.property(fc.nat(0x7bfe), fc.double({ min: 0, max: 1, noNaN: true }), fc.boolean(), (bits, share, negative) => {
        const low = values[bits] ?? 0;
        const high = values[bits + 1] ?? 0;
        const value = low + (high - low) * share;
        const middle = (low + high) / 2;
        const nearest = value === middle ? bits + (bits % 2) : value < middle ? bits : bits + 1;
        expect(encodeHalf(negative ? -value : value)).toBe(nearest + (negative ? 0x8000 : 0));
      }),
      { numRuns: 2_000 },
    );
  });

  it("overflow to infinity where rounding says so", () => {
    expect(encodeHalf(65_519.99)).toBe(0x7bff);
    expect(encodeHalf(65_520)).toBe(0x7c00);
    expect(encodeHalf(-1e30)).toBe(0xfc00);
    expect(decodeHalf(encodeHalf(Number.NaN))).toBeNaN();
  });
});
