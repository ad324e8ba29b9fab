import { describe, expect, it } from "vitest";
import { joinHyphenated } from "./hyphenation.ts";
import type { PlacedWord } from "./words.ts";

/** One line per string; a word's box tells its line and place. */
function page(...lines: string[]): PlacedWord[][] {
  return lines.map((line, y) => line.split(" ").map((text, x) => ({ text, box: [x, y, x + 1, y + 1] })));
}

const texts = (lines: PlacedWord[][]) => joinHyphenated(lines).map((word) => word.text);

describe("joinHyphenated", () => {
  it("makes a cut word whole and keeps the box of its first part", () => {
    const words = joinHyphenated(page("plenty of infor-", "mation here"));
    expect(words.map((word) => word.text)).toEqual(["plenty", "of", "information", "here"]);
    expect(words[2]?.box).toEqual([2, 0, 3, 1]);
  });

  it("joins at soft hyphens whatever follows, and drops soft hyphens elsewhere", () => {
    expect(texts(page("self\u00ad", "ish"))).toEqual(["selfish"]);
    expect(texts(page("Donau\u00addampf"))).toEqual(["Donaudampf"]);
  });

  it("keeps the hyphen of a compound", () => {
    expect(texts(page("a risk-", "adjusted view"))).toEqual(["a", "risk-adjusted", "view"]);
    expect(texts(page("off-balance-", "sheet items"))).toEqual(["off-balance-sheet", "items"]);
    expect(texts(page("a well-", "known fact"))).toEqual(["a", "well-known", "fact"]);
  });

  it("keeps the hyphen when the page writes the word or its parts so", () => {
    expect(texts(page("the rail-", "road", "rail-road again"))).toEqual(["the", "rail-road", "rail-road", "again"]);
    expect(texts(page("the oil", "and oil-", "store", "and store"))).toContain("oil-store");
  });

  it("drops it when the page writes the word whole", () => {
    expect(texts(page("the self-", "ish gene is selfish"))).toEqual(["the", "selfish", "gene", "is", "selfish"]);
  });

  it("leaves alone what is no cut word", () => {
    expect(texts(page("pages 12-", "14 follow"))).toEqual(["pages", "12-", "14", "follow"]);
    expect(texts(page("the Anglo-", "Saxon king"))).toEqual(["the", "Anglo-", "Saxon", "king"]);
    expect(texts(page("short-", "and long-term"))).toEqual(["short-", "and", "long-term"]);
    expect(texts(page("a dash -", "here"))).toEqual(["a", "dash", "-", "here"]);
  });

  it("joins a word cut twice", () => {
    expect(texts(page("incom-", "prehensi-", "ble"))).toEqual(["incomprehensible"]);
  });

  it("takes a line of very many words", () => {
    expect(joinHyphenated(page(Array.from({ length: 300_000 }, () => "a").join(" ")))).toHaveLength(300_000);
  });

  it("takes no lines and empty lines", () => {
    expect(joinHyphenated([])).toEqual([]);
    expect(texts([[], ...page("exam-"), [], ...page("ple")])).toEqual(["example"]);
  });
});
