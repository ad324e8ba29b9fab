import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatState, parseState, samePage } from "./state.ts";

describe("the page's address", () => {
  it("is empty for the start page", () => {
    expect(formatState({ query: "", index: "", mode: "", open: undefined })).toBe("");
    expect(parseState("")).toEqual({ query: "", index: "", mode: "", open: undefined });
  });

  it("names the question, the index and the page in view", () => {
    const state = { query: "a & b", index: "samples", mode: "lexical" as const, open: { document: "0a", page: 3 } };
    expect(formatState(state)).toBe("?q=a+%26+b&index=samples&mode=lexical&doc=0a&page=3");
  });

  it("reads back what it wrote", () => {
    const open = fc.option(
      fc.record({ document: fc.string({ minLength: 1 }), page: fc.integer({ min: 1, max: 999_999_999 }) }),
      { nil: undefined },
    );
    const query = fc.string({ unit: "grapheme" }).map((text) => text.trim());
    const mode = fc.constantFrom("" as const, "late" as const, "dense" as const, "lexical" as const, "hybrid" as const);
    fc.assert(
      fc.property(fc.record({ query, index: fc.string(), mode, open }), (state) => {
        expect(parseState(formatState(state))).toEqual(state);
      }),
    );
  });

  it("leaves out a page that makes no sense", () => {
    for (const page of ["0", "-1", "1.5", "1e3", "x", "", "99999999999"]) {
      expect(parseState(`?q=x&doc=0a&page=${page}`).open).toBeUndefined();
    }
    expect(parseState("?q=x&page=3").open).toBeUndefined();
    expect(parseState("?q=x&doc=&page=3").open).toBeUndefined();
  });

  it("leaves out a mode that there is not", () => {
    expect(parseState("?q=x&mode=best").mode).toBe("");
  });

  it("knows whether two states show the same page", () => {
    expect(samePage(undefined, undefined)).toBe(true);
    expect(samePage({ document: "a", page: 1 }, { document: "a", page: 1 })).toBe(true);
    expect(samePage({ document: "a", page: 1 }, { document: "a", page: 2 })).toBe(false);
    expect(samePage({ document: "a", page: 1 }, undefined)).toBe(false);
  });
});
