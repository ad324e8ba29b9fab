import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_QUERY_CHARS } from "../../shared/limits.ts";
import { normalizeQuery } from "./query-text.ts";

describe("normalizeQuery", () => {
  it("trims, joins white space and composes characters", () => {
    expect(normalizeQuery("  rate\t of\n\u00a0 cafe\u0301 ")).toBe("rate of café");
  });

  it("does nothing to what is normal", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 40 }), (text) => {
        fc.pre(text.trim() !== "");
        const once = normalizeQuery(text);
        expect(normalizeQuery(once)).toBe(once);
        expect(once.isWellFormed()).toBe(true);
      }),
    );
  });

  it.each(["", " ", "\t\n", "\u3000"])("refuses %j as empty", (query) => {
    expect(() => normalizeQuery(query)).toThrow(expect.objectContaining({ code: "empty_query" }));
  });

  it("counts after joining white space, and names the length", () => {
    expect(normalizeQuery(`a${" ".repeat(MAX_QUERY_CHARS)}b`)).toBe("a b");
    expect(() => normalizeQuery("word ".repeat(10_000))).toThrow(
      expect.objectContaining({ code: "query_too_long", message: expect.stringContaining("49999 characters") }),
    );
  });
});
