import { describe, expect, it } from "vitest";
import { testRecipe } from "../../shared/recipe/testing.ts";
import { checkSettings } from "./index-settings.ts";

const recipe = testRecipe({ dim: 96, name: "small-words" });

describe("checkSettings", () => {
  it("gives what a manifest takes: fields once and in order, nothing that is not set", () => {
    expect(checkSettings({}, recipe)).toBeUndefined();
    expect(checkSettings({ subspaces: 32 }, recipe)).toEqual({ subspaces: 32 });
    expect(checkSettings({ filterableFields: ["year", "author", "year"] }, recipe)).toEqual({
      filterableFields: ["author", "year"],
    });
    expect(checkSettings({ filterableFields: [] }, recipe)).toEqual({ filterableFields: [] });
  });

  it("names the subspaces that the recipe's vectors can be cut into", () => {
    expect(() => checkSettings({ subspaces: 64 }, recipe)).toThrow(
      expect.objectContaining({
        code: "invalid_request",
        message:
          "vectors of small-words have 96 values, which cannot be cut into 64 equal parts; for small-words there are 8, 16, 32",
      }),
    );
    for (const subspaces of [0, 12, 128, 1.5]) {
      expect(() => checkSettings({ subspaces }, recipe)).toThrow(
        expect.objectContaining({ code: "invalid_request", message: expect.stringContaining("none of 8, 16, 32, 64") }),
      );
    }
  });

  it("refuses fields that no document could have", () => {
    const many = Array.from({ length: 33 }, (_, field) => `field-${field}`);
    for (const filterableFields of [many, ["year", ""]]) {
      expect(() => checkSettings({ filterableFields }, recipe)).toThrow(
        expect.objectContaining({ code: "invalid_request" }),
      );
    }
  });
});
