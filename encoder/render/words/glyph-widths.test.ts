import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { charOffsets } from "./glyph-widths.ts";

describe("charOffsets", () => {
  it("gives wide letters more room than narrow ones", () => {
    const [, afterI = 0] = charOffsets("iM", { family: "sans-serif" });
    expect(afterI).toBeCloseTo(222 / (222 + 833), 10);
    const [, afterSerifI = 0] = charOffsets("iM", { family: "serif" });
    expect(afterSerifI).toBeCloseTo(278 / (278 + 889), 10);
  });

  it("gives every character of a monospace font the same room", () => {
    expect([...charOffsets("iMw.", { family: "monospace" })]).toEqual([0, 0.25, 0.5, 0.75, 1]);
  });

  it("goes by the font's own widths where it has them", () => {
    const widths = new Map([
      ["i", 600],
      ["M", 600],
    ]);
    expect([...charOffsets("iM", { family: "serif", widths })]).toEqual([0, 0.5, 1]);
    const [, afterI = 0] = charOffsets("ix", { family: "serif", widths });
    expect(afterI).toBeCloseTo(600 / (600 + 500), 10);
  });

  it("gives spaces what the letters leave of the run", () => {
    const widths = new Map([
      ["a", 500],
      [" ", 250],
    ]);
    const [, firstEnds = 0, secondBegins = 0] = charOffsets("a a", { widths, runWidth: 1_600 });
    expect(firstEnds).toBeCloseTo(500 / 1_600, 10);
    expect(secondBegins).toBeCloseTo(1_100 / 1_600, 10);
  });

  it("stretches all alike when that leaves spaces nothing, or far too much", () => {
    const widths = new Map([
      ["a", 500],
      [" ", 250],
    ]);
    for (const runWidth of [1_000, 9_000]) {
      const [, firstEnds = 0] = charOffsets("a a", { widths, runWidth });
      expect(firstEnds).toBeCloseTo(500 / 1_250, 10);
    }
  });

  it("gives a combining mark none", () => {
    const offsets = charOffsets("e\u0301e", { family: "serif" });
    expect(offsets[1]).toBe(offsets[2]);
  });

  it("never goes back and ends at 1, whatever the text", () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, unit: fc.constantFrom("a", "W", " ", "é", "\u0301", "語", "😀", "\ud800") }),
        fc.constantFrom("serif", "monospace", undefined),
        fc.constantFrom(undefined, new Map([["a", 700]])),
        fc.option(fc.integer({ min: 0, max: 9_000 }), { nil: undefined }),
        (text, family, widths, runWidth) => {
          const offsets = charOffsets(text, { family, widths, runWidth });
          expect(offsets).toHaveLength(text.length + 1);
          expect(offsets[0]).toBe(0);
          expect(offsets[text.length]).toBeCloseTo(1, 9);
          expect(offsets.every((offset, i) => i === 0 || offset >= (offsets[i - 1] ?? 0))).toBe(true);
        },
      ),
    );
  });
});
