import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { charOffsets } from "./glyph-widths.ts";

describe("charOffsets", () => {
  it("gives wide letters more room than narrow ones", () => {
    const [, afterI = 0] = charOffsets("iM", "sans-serif");
    expect(afterI).toBeCloseTo(222 / (222 + 833), 10);
    const [, afterSerifI = 0] = charOffsets("iM", "serif");
    expect(afterSerifI).toBeCloseTo(278 / (278 + 889), 10);
  });

  it("gives every character of a monospace font the same room", () => {
    expect([...charOffsets("iMw.", "monospace")]).toEqual([0, 0.25, 0.5, 0.75, 1]);
  });

  it("gives a combining mark none", () => {
    const offsets = charOffsets("e\u0301e", "serif");
    expect(offsets[1]).toBe(offsets[2]);
  });

  it("never goes back and ends at 1, whatever the text", () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, unit: fc.constantFrom("a", "W", " ", "é", "\u0301", "語", "😀", "\ud800") }),
        fc.constantFrom("serif", "monospace", undefined),
        (text, family) => {
          const offsets = charOffsets(text, family);
          expect(offsets).toHaveLength(text.length + 1);
          expect(offsets[0]).toBe(0);
          expect(offsets[text.length]).toBeCloseTo(1, 9);
          expect(offsets.every((offset, i) => i === 0 || offset >= (offsets[i - 1] ?? 0))).toBe(true);
        },
      ),
    );
  });
});
