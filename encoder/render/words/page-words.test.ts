import type { TextItem } from "pdfjs-dist/types/src/display/api.js";
import { describe, expect, it } from "vitest";
import { pageWords } from "./page-words.ts";

/** pdfjs' viewport of a page of 100 × 200 points: y is turned upside down. */
const UPRIGHT = [1, 0, 0, -1, 0, 200] as const;
const SIZE = { width: 100, height: 200 };
const STYLES = {
  mono: { ascent: 0.8, descent: -0.2, vertical: false, fontFamily: "monospace" },
  vertical: { ascent: 0.8, descent: -0.2, vertical: true, fontFamily: "monospace" },
};

function item(str: string, x: number, y: number, width: number, rest: Partial<TextItem> = {}): TextItem {
  return {
    str,
    dir: "ltr",
    transform: [10, 0, 0, 10, x, y],
    width,
    height: 10,
    fontName: "mono",
    hasEOL: false,
    ...rest,
  };
}

const words = (items: TextItem[]) => pageWords({ items, styles: STYLES }, UPRIGHT, SIZE);
const texts = (items: TextItem[]) => words(items).map((word) => word.text);
const rounded = (box: readonly number[]) => box.map((value) => Math.round(value * 1_000) / 1_000);

describe("pageWords", () => {
  it("cuts an item at its spaces and gives each word its part of the width", () => {
    const [first, second] = words([item("ab cd", 20, 150, 50)]);
    expect(first?.text).toBe("ab");
    // From x 20 to 40 of 100, from 8 above to 2 below the baseline at 50 of 200.
    expect(rounded(first?.box ?? [])).toEqual([0.2, 0.21, 0.4, 0.26]);
    expect(second?.text).toBe("cd");
    expect(rounded(second?.box ?? [])).toEqual([0.5, 0.21, 0.7, 0.26]);
  });

  it("joins items without a gap to one word, and cuts where a gap is wide", () => {
    expect(texts([item("infor", 10, 100, 25), item("mation", 35, 100, 30)])).toEqual(["information"]);
    expect(texts([item("two", 10, 100, 15), item("words", 28, 100, 25)])).toEqual(["two", "words"]);
  });

  it("does not join what an end of line parts", () => {
    expect(texts([item("one", 10, 100, 15, { hasEOL: true }), item("two", 25, 100, 15)])).toEqual(["one", "two"]);
  });

  it("joins a word that was cut by a hyphen", () => {
    const [word] = words([item("infor-", 10, 100, 30, { hasEOL: true }), item("mation", 10, 88, 30)]);
    expect(word?.text).toBe("information");
    expect(rounded(word?.box ?? [])).toEqual([0.1, 0.46, 0.4, 0.51]);
  });

  it("keeps a superscript on its line", () => {
    const raised = item("2", 20, 104, 4, { transform: [6, 0, 0, 6, 20, 104] });
    expect(texts([item("m", 10, 100, 10), raised, item("large", 30, 100, 25)])).toEqual(["m2", "large"]);
  });

  it("spells ligatures out and drops what nobody can read", () => {
    expect(texts([item("e\ufb03cient \ue123 \u0000x\u200b", 0, 100, 90)])).toEqual(["efficient", "x"]);
  });

  it("takes text drawn twice in the same place once", () => {
    expect(texts([item("Total", 10, 100, 25), item("Total", 10.3, 100, 25), item("Total", 10, 50, 25)])).toEqual([
      "Total",
      "Total",
    ]);
  });

  it("drops text without size and text outside the page, and cuts boxes at the edge", () => {
    const flat = item("gone", 10, 100, 0, { transform: [0, 0, 0, 0, 10, 100] });
    const broken = item("gone", 10, 100, 20, { transform: [Number.NaN, 0, 0, 10, 10, 100] });
    expect(texts([flat, broken, item("outside", 120, 100, 35)])).toEqual([]);
    const [edge] = words([item("edge", 75, 100, 40)]);
    expect(edge?.box[2]).toBe(1);
  });

  it("gives text of a font without widths a box", () => {
    const [word] = words([item("abcd", 10, 100, 0)]);
    expect(rounded(word?.box ?? [])).toEqual([0.1, 0.46, 0.3, 0.51]);
  });

  it("places words of text that runs upwards", () => {
    const [first, second] = words([item("ab cd", 50, 20, 50, { transform: [0, 10, -10, 0, 50, 20] })]);
    expect(rounded(first?.box ?? [])).toEqual([0.42, 0.8, 0.52, 0.9]);
    expect(rounded(second?.box ?? [])).toEqual([0.42, 0.65, 0.52, 0.75]);
  });

  it("places the first word of right-to-left text at the right", () => {
    const [first, second] = words([item("אב גד", 20, 100, 50, { dir: "rtl" })]);
    expect(first?.text).toBe("אב");
    expect(rounded(first?.box ?? [])).toEqual([0.5, 0.46, 0.7, 0.51]);
    expect(rounded(second?.box ?? [])).toEqual([0.2, 0.46, 0.4, 0.51]);
  });

  it("places vertical writing below its origin, centred on it", () => {
    const [word] = words([item("東京", 50, 150, 10, { fontName: "vertical", height: 20 })]);
    expect(rounded(word?.box ?? [])).toEqual([0.45, 0.25, 0.55, 0.35]);
  });

  it("cuts scripts without spaces into words", () => {
    expect(texts([item("可替换为所需图片。", 0, 100, 90)])).toEqual(["可", "替换", "为", "所需", "图片。"]);
    expect(texts([item("สวัสดีชาวโลก", 0, 100, 90)]).length).toBeGreaterThan(1);
  });

  it("puts a letter-spaced word together, but no longer line", () => {
    const [word, ...others] = words([item("T R A F F I C", 10, 100, 65)]);
    expect(others).toEqual([]);
    expect(word?.text).toBe("TRAFFIC");
    expect(rounded(word?.box ?? [])).toEqual([0.1, 0.46, 0.75, 0.51]);
    expect(texts([item("A B C", 10, 100, 25)])).toEqual(["A", "B", "C"]);
    expect(texts([item(Array.from("ABCDEFGHIJKLMNOPQRS").join(" "), 0, 100, 90)])).toHaveLength(19);
  });

  it("takes a page without text", () => {
    expect(words([])).toEqual([]);
    expect(words([item("", 0, 0, 0, { hasEOL: true }), item("  ", 10, 10, 10)])).toEqual([]);
  });
});
