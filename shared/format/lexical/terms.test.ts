import { describe, expect, it } from "vitest";
import { termsOf } from "./terms.ts";

describe("termsOf", () => {
  it.each([
    ["Revenue by region, 2023!", ["revenue", "by", "region", "2023"]],
    ["", []],
    [" — ", []],
    ["co-operation's", ["co", "operation", "s"]],
    // NFKC: a ligature, a full-width digit, a superscript.
    ["ﬁscal ２０２３ m²", ["fiscal", "2023", "m2"]],
    // A composed and a decomposed character are one.
    ["cafe\u0301 CAFÉ", ["café", "café"]],
    // Vowel signs are marks: a Hindi word stays whole.
    ["हिन्दी में", ["हिन्दी", "में"]],
    ["東京都庁", ["東京", "京都", "都庁"]],
    ["猫 と 犬", ["猫", "と", "犬"]],
    ["2024年度iPhone発売", ["2024", "年度", "iphone", "発売"]],
    ["サーバー", ["サー", "ーバ", "バー"]],
    ["대한민국 서울", ["대한민국", "서울"]],
    // Beyond the basic plane: a character is two code units.
    ["𠮷野家", ["𠮷野", "野家"]],
  ])("splits %j", (text, terms) => {
    expect(termsOf(text)).toEqual(terms);
  });
});
