/**
 * Pictures for tests: the same as `golden/make.py` makes.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PagePicture } from "../model.ts";

/** Smooth, noisy and sharp-edged all at once. */
export function testPicture(width: number, height: number): PagePicture {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 3; channel++) {
        const smooth = Math.floor((x * 5 + y * 3 + channel * 71) / 4);
        const noise = (x * x * 7 + y * y * 11 + x * y * (channel + 3)) % 97;
        const edge = ((Math.floor(x / 9) + Math.floor(y / 5)) % 2) * 90;
        data[at++] = (smooth + noise + edge) % 256;
      }
    }
  }
  return { width, height, data };
}

export function sha256(values: Uint8Array | Float32Array): string {
  return createHash("sha256")
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest("hex");
}

/**
 * A tokenizer file like Gemma's: spaces are shown as `▁`, what is not a known piece is single bytes. `pieces` are known at
 * their true ids.
 */
export function gemmaLikeTokenizerFile(pieces: Readonly<Record<string, number>>): Uint8Array {
  const bytes = Array.from({ length: 256 }, (_, byte): [string, number] => {
    return [`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`, FIRST_BYTE_ID + byte];
  });
  const file = {
    version: "1.0",
    added_tokens: [],
    normalizer: { type: "Replace", pattern: { String: " " }, content: "▁" },
    // Gemma's own file splits nothing and has 500,000 merges; whole words serve as well here.
    pre_tokenizer: { type: "Split", pattern: { Regex: "▁?[^▁:]+|:|▁" }, behavior: "Isolated", invert: false },
    post_processor: null,
    decoder: null,
    model: {
      type: "BPE",
      vocab: { ...pieces, ...Object.fromEntries(bytes) },
      merges: [],
      byte_fallback: true,
      ignore_merges: true,
    },
  };
  return new TextEncoder().encode(JSON.stringify(file));
}

/** Gemma's, of byte 0. */
const FIRST_BYTE_ID = 217;

/** Writes a folder as `maxleaf models pull` would leave it, without a lock; the caller adds the graph. */
export async function writeModelFolder(folder: string, tokenizer: Uint8Array): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "tokenizer.json"), tokenizer);
  await writeFile(join(folder, "tokenizer_config.json"), "{}");
}
