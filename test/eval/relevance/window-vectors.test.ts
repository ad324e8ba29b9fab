import { describe, expect, it, vi } from "vitest";
import { loadModel } from "../../../encoder/models/registry.ts";
import { encodeWindows, encodingOnce, joinRows } from "./window-vectors.ts";

describe("joinRows", () => {
  it("puts rows below one another", () => {
    const page = joinRows([new Float32Array([1, 2]), new Float32Array(), new Float32Array([3, 4, 5, 6])], 2);
    expect(page).toEqual({ vectorCount: 3, vectors: new Float32Array([1, 2, 3, 4, 5, 6]) });
  });
});

describe("encodingOnce", () => {
  it("encodes equal windows once and gives each its vectors", async () => {
    const model = await loadModel("minilm-words", { threads: 1 });
    const encodePages = vi.spyOn(model, "encodePages");
    const windows = ["a cat", "two dogs", "a cat", ""].map((text) => ({
      words: (text.match(/\S+/gu) ?? []).map((word) => ({ text: word, box: [0, 0, 1, 1] as const })),
    }));
    const encode = encodingOnce(model);
    expect(await encode(windows)).toEqual(await encodeWindows(model, windows));
    expect(encodePages.mock.calls[0]?.[0]).toHaveLength(3);
    await encode(windows.slice(1));
    expect(encodePages.mock.calls.at(-1)?.[0]).toEqual([]);
    await model.dispose();
  });
});
