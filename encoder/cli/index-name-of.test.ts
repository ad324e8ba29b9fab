import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseIndexName } from "../../shared/names.ts";
import { indexNameOf } from "./index-name-of.ts";

describe("indexNameOf", () => {
  it.each([
    ["./My Reports (2023)", "my-reports-2023"],
    ["/data/Bücher/", "bucher"],
    ["_private_", "private_"],
    ["/data/отчёты", "documents"],
    ["/", "documents"],
  ])("calls the index of %s %s", (folder, name) => expect(indexNameOf(folder)).toBe(name));

  it("gives a valid name for any folder", () => {
    const folders = fc.string({ unit: "grapheme", maxLength: 100 }).map((name) => `/data/${name}`);
    fc.assert(
      fc.property(folders, (folder) => {
        expect(parseIndexName(indexNameOf(folder))).toBe(indexNameOf(folder));
      }),
    );
  });
});
