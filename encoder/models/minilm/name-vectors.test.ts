import { describe, expect, it } from "vitest";
import { MAX_NAME_PIECES, namePieces, NameVectors } from "./name-vectors.ts";
import { loadTokenizer } from "./tokens.ts";

const tokenizer = await loadTokenizer();

/** A row of one number for every piece: its id. Notes what it was asked for. */
function counting(calls: (readonly number[])[] = []) {
  const encode = async (ids: readonly number[]) => {
    calls.push(ids);
    return Float32Array.from(ids);
  };
  return new NameVectors(tokenizer, encode);
}

describe("namePieces", () => {
  it("are those of the name's words", () => {
    // BERT's vocabulary: 3 · ##m · 202 · ##2 · 10 · ##k
    expect(namePieces("3M_2022_10K.pdf", tokenizer)).toEqual([1017, 2213, 16798, 2475, 2184, 2243]);
  });

  it("end with the last word that fits", () => {
    const longest = namePieces(`${"word-".repeat(200)}.pdf`, tokenizer);
    expect(longest).toHaveLength(MAX_NAME_PIECES);
    const [word] = longest;
    expect(new Set(longest)).toEqual(new Set([word]));
    // 31 pieces, then a word of several.
    expect(namePieces(`${"word-".repeat(31)}unbelievabilities-word.pdf`, tokenizer)).toHaveLength(31);
    expect(namePieces(`${"1".repeat(255)}.pdf`, tokenizer).length).toBeLessThanOrEqual(MAX_NAME_PIECES);
  });
});

describe("NameVectors", () => {
  it("encodes a name once for all pages of its document", async () => {
    const calls: (readonly number[])[] = [];
    const names = counting(calls);
    const all = await Promise.all(["a/report.pdf", "b/letter.pdf", "a/report.pdf"].map((name) => names.of(name)));
    expect(await names.of("a/report.pdf")).toBe(all[0]);
    expect(calls).toHaveLength(2);
  });

  it("has nothing without a name, or for one without words", async () => {
    const calls: (readonly number[])[] = [];
    const names = counting(calls);
    for (const name of [undefined, "", "---.pdf"]) expect(await names.of(name)).toHaveLength(0);
    expect(calls).toEqual([]);
  });

  it("tries again after a failure", async () => {
    let fails = true;
    const names = new NameVectors(tokenizer, async (ids) => {
      if (fails) throw new Error("out of memory");
      return Float32Array.from(ids);
    });
    await expect(Promise.all([names.of("report.pdf"), names.of("report.pdf")])).rejects.toThrow("out of memory");
    fails = false;
    expect(await names.of("report.pdf")).toHaveLength(1);
  });
});
