/**
 * Tokenizer files for tests, as small as the tests allow, with the true ids of what is in them.
 *
 * @module
 */
import { WEIGHTS_FOLDER } from "../minilm/weights.ts";
import { readFile } from "node:fs/promises";

/** Tokens that stand for no text, by any name. */
type SpecialTokens = Readonly<Record<string, { text: string; id: number }>>;

/** BERT's uncased vocabulary, whole: MiniLM's file, which colbertv2 and answerai-colbert-small share their ids with. */
export async function bertTokenizerFile(): Promise<Uint8Array> {
  return await readFile(new URL("tokenizer.json", WEIGHTS_FOLDER));
}

/**
 * Byte-level BPE with these tokens (`Ġ` for a space before) at their true ids, and single bytes for everything else.
 */
export function byteLevelTokenizerFile(tokens: SpecialTokens, words: Readonly<Record<string, number>>): Uint8Array {
  const vocabulary: Record<string, number> = {};
  for (let byte = 0; byte < 256; byte++) vocabulary[byteCharacter(byte)] = FIRST_BYTE_ID + byte;
  const merges: string[] = [];
  // Merges of words with a space before them come first: they must not lose their beginnings to those without.
  const spacedFirst = Object.entries(words).toSorted(
    ([a], [b]) => Number(b.startsWith("Ġ")) - Number(a.startsWith("Ġ")),
  );
  for (const [word, id] of spacedFirst) {
    const characters = Array.from(inBytes(word.replace("Ġ", " ")));
    vocabulary[characters.join("")] = id;
    for (let end = 1; end < characters.length; end++) {
      const merge = `${characters.slice(0, end).join("")} ${characters[end] ?? ""}`;
      if (!merges.includes(merge)) merges.push(merge);
    }
  }
  return tokenizerFile(tokens, {
    normalizer: { type: "NFC" },
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    model: { type: "BPE", unk_token: null, vocab: vocabulary, merges },
  });
}

/** Unigram as XLM-RoBERTa's, with these pieces at their true ids and nothing else. */
export function unigramTokenizerFile(tokens: SpecialTokens, pieces: Readonly<Record<string, number>>): Uint8Array {
  const size = Math.max(...Object.values(pieces)) + 1;
  // What stands at the other ids is in a private use area, which no test's text is.
  const vocabulary: [string, number][] = Array.from({ length: size }, (_, id) => [`\u{F0000}${id}`, -20]);
  for (const [piece, id] of Object.entries(pieces)) vocabulary[id] = [piece, -5];
  vocabulary[UNKNOWN_ID] = ["<unk>", 0];
  return tokenizerFile(tokens, {
    normalizer: { type: "Precompiled", precompiled_charsmap: "" },
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [{ type: "WhitespaceSplit" }, { type: "Metaspace", replacement: "▁", add_prefix_space: true }],
    },
    model: { type: "Unigram", unk_id: UNKNOWN_ID, vocab: vocabulary },
  });
}

/** Beyond every true id that the tests use, so that a byte is never mistaken for a token. */
const FIRST_BYTE_ID = 60_000;
/** Of XLM-RoBERTa. */
const UNKNOWN_ID = 3;

function tokenizerFile(tokens: SpecialTokens, parts: object): Uint8Array {
  const added = Object.values(tokens).map(({ text, id }) => ({ id, content: text, special: true, normalized: false }));
  const file = { version: "1.0", added_tokens: added, post_processor: null, decoder: null, ...parts };
  return new TextEncoder().encode(JSON.stringify(file));
}

/** The character that byte-level tokenizers show a byte as: printable Latin-1 as it is, the others from U+0100 on. */
function byteCharacter(byte: number): string {
  return byteCharacters[byte] ?? "";
}

const isPrintable = (byte: number) => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
const byteCharacters = (() => {
  let others = 0;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isPrintable(byte) ? byte : 0x100 + others++));
})();

function inBytes(text: string): string {
  return Array.from(new TextEncoder().encode(text), byteCharacter).join("");
}
