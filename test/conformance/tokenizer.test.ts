/**
 * Our word pieces against transformers.js, which the encoder does not load: it tokenises whole texts, we go word by word.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { AutoTokenizer, env, type PreTrainedTokenizer } from "@huggingface/transformers";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { CLS_ID, loadTokenizer, SEP_ID, type WordTokenizer } from "../../encoder/models/minilm/tokens.ts";

let ours: WordTokenizer;
let theirs: PreTrainedTokenizer;

beforeAll(async () => {
  env.allowRemoteModels = false;
  env.localModelPath = fileURLToPath(new URL("../../encoder/models/minilm", import.meta.url));
  [ours, theirs] = await Promise.all([loadTokenizer(), AutoTokenizer.from_pretrained("weights")]);
});

function ourIds(text: string): number[] {
  const words = text.split(/\s+/).filter((word) => word !== "");
  return [CLS_ID, ...words.flatMap((word) => ours.splitWord(word).map((piece) => piece.id)), SEP_ID];
}

describe("word pieces", () => {
  it.each([
    "How long do the batteries of the night ferry last?",
    "state-of-the-art (2026) U.S. $3,673 million — 41 %",
    "Schrödinger's naïve café; ﬁnance Ⅳ",
    "Привет, мир! Ταχυδρομείο ἐν ἀρχῇ",
    "東京 is the capital of 日本",
    "😀 emoji and a\u0301ccents, zero\u200bwidth",
    `${"pneumonoultramicroscopicsilicovolcanoconiosis".repeat(4)} end`,
    "",
  ])("of %j are those of transformers.js", (text) => {
    expect(ourIds(text)).toEqual(theirs.encode(text));
  });

  it("are the same for any text without markers", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: "grapheme", maxLength: 12 }), { maxLength: 20 }), (words) => {
        const text = words.join(" ").replaceAll("[", "(");
        expect(ourIds(text)).toEqual(theirs.encode(text));
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});
