import { describe, expect, it } from "vitest";
import { nameWords } from "./name-words.ts";

describe("nameWords", () => {
  it.each([
    ["3M_2022_10K.pdf", ["3M", "2022", "10K"]],
    ["reports/2021/annual-report (final).v2.docx", ["annual", "report", "final", "v2"]],
    ["Jahresabschluß 2023", ["Jahresabschluß", "2023"]],
    // A letter and its accent, apart.
    ["re\u0301sume\u0301.pdf", ["re\u0301sume\u0301"]],
    ["報告書_2024.pdf", ["報告書", "2024"]],
    ["---.pdf", []],
    ["", []],
  ])("takes %j apart", (name, words) => {
    expect(nameWords(name)).toEqual(words);
  });
});
