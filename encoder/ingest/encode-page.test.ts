import { describe, expect, it } from "vitest";
import { type ErrorCode, MaxleafError } from "../../shared/errors.ts";
import { testRecipe } from "../../shared/recipe/testing.ts";
import type { PageInput } from "../models/model.ts";
import { noTextPage } from "../models/text/no-text.ts";
import { encodePage } from "./encode-page.ts";

const words: PageInput = { pageNumber: 4, width: 10, height: 20, words: [] };
const picture = { width: 1, height: 1, data: new Uint8Array(3) };
const looker = { recipe: testRecipe({ dim: 2, geometry: "grid" }), pictureLongEdgePx: 2_339 };

const encoding = { encode: (page: PageInput) => Promise.resolve({ ...noTextPage(page, "grid"), vectorCount: 1 }) };

function failing(code: ErrorCode) {
  return { encode: () => Promise.reject(new MaxleafError(code, "too narrow")) };
}

describe("encodePage", () => {
  it("encodes what the model can take", async () => {
    const { encoded, problem } = await encodePage({ ...words, picture }, looker, encoding);
    expect(encoded.vectorCount).toBe(1);
    expect(problem).toBeUndefined();
    const reader = { recipe: testRecipe({ dim: 2 }) };
    expect((await encodePage(words, reader, encoding)).encoded.vectorCount).toBe(1);
  });

  it("leaves a page that was not drawn without vectors", async () => {
    const { encoded } = await encodePage(words, looker, encoding);
    expect(encoded).toMatchObject({ pageNumber: 4, status: "no-text", vectorCount: 0, geometry: { kind: "grid" } });
  });

  it("leaves a page that the model does not take without vectors, and says why", async () => {
    const { encoded, problem } = await encodePage({ ...words, picture }, looker, failing("file_unreadable"));
    expect(encoded.vectorCount).toBe(0);
    expect(problem).toEqual({ code: "file_unreadable", reason: "page 4: too narrow" });
  });

  it("passes other failures on", async () => {
    const page = { ...words, picture };
    await expect(encodePage(page, looker, failing("model_unavailable"))).rejects.toMatchObject({
      code: "model_unavailable",
    });
    const strange = { encode: () => Promise.reject(new TypeError("bug")) };
    await expect(encodePage(page, looker, strange)).rejects.toThrow(TypeError);
  });
});
