import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseOcrLanguages } from "./languages.ts";

describe("parseOcrLanguages", () => {
  it("finds English, which comes with the package", () => {
    const [english] = parseOcrLanguages("eng");
    expect(english?.code).toBe("eng");
    expect(existsSync(join(english?.folder ?? "", "eng.traineddata.gz"))).toBe(true);
    expect(parseOcrLanguages("eng+eng")).toHaveLength(1);
  });

  it("names the package of a language that is not there", () => {
    expect(() => parseOcrLanguages("eng+deu")).toThrow(
      expect.objectContaining({
        code: "model_unavailable",
        message: expect.stringContaining("npm install --save-exact @tesseract.js-data/deu"),
      }),
    );
  });

  it.each(["", "english", "EN", "../eng", "eng+", "eng deu"])("refuses %j", (text) => {
    expect(() => parseOcrLanguages(text)).toThrow(expect.objectContaining({ code: "invalid_request" }));
  });

  it("refuses more languages than are read at once", () => {
    expect(() => parseOcrLanguages("eng+deu+fra+ita+spa")).toThrow(/5 languages; 4/);
  });
});
