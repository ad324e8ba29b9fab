import { describe, expect, it } from "vitest";
import { Bm25 } from "./bm25.ts";

function build(...texts: string[]): Bm25 {
  const index = new Bm25();
  for (const text of texts) index.add(text);
  return index;
}

describe("Bm25", () => {
  it("scores as worked out by hand", () => {
    const index = build("Red apple, red pear", "green apple", "blue");
    // "red": in 1 of 3 pages, twice on a page of 4 terms; the mean length is 7/3.
    const idf = Math.log(1 + 2.5 / 1.5);
    const expected = (idf * 2) / (2 + 1.2 * (0.25 + (0.75 * 4) / (7 / 3)));
    const [first, second, third] = index.score("RED?");
    expect(first).toBeCloseTo(expected, 12);
    expect([second, third]).toEqual([-Infinity, -Infinity]);
  });

  it("adds up terms, and prefers the rarer one and the shorter page", () => {
    const index = build("apple pear", "apple", "apple plum plum plum");
    const scores = index.score("apple pear");
    expect(scores[0]).toBeGreaterThan(scores[1] ?? Infinity);
    expect(scores[1]).toBeGreaterThan(scores[2] ?? Infinity);
    expect(index.score("apple pear")[0]).toBeCloseTo(
      (index.score("apple")[0] ?? 0) + (index.score("pear")[0] ?? 0),
      12,
    );
  });

  it("finds words of any script, and nothing in an empty query or index", () => {
    expect(build("Дом у моря", "το σπίτι")?.score("МОРЯ")[0]).toBeGreaterThan(0);
    expect(build("a").score(" ,. ")).toEqual([-Infinity]);
    expect(build().score("a")).toEqual([]);
  });
});
