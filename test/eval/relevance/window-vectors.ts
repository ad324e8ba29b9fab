/**
 * Vectors of windows, put together to pages.
 *
 * @module
 */
import type { ScorablePage } from "../../../encoder/eval/exact.ts";
import type { Model, PageWord } from "../../../encoder/models/model.ts";

interface Window {
  words: readonly PageWord[];
}

/** `[tokens, dim]` of every window, in order: each goes through `model` as a page of its own. */
export async function encodeWindows(model: Model, windows: readonly Window[]): Promise<Float32Array[]> {
  const pages = await model.encodePages(windows.map(({ words }) => ({ pageNumber: 1, width: 1, height: 1, words })));
  return pages.map(({ vectors }) => vectors);
}

/** {@link encodeWindows} that encodes equal windows once: variants have most of them in common. */
export function encodingOnce(model: Model): (windows: readonly Window[]) => Promise<Float32Array[]> {
  const known = new Map<string, Float32Array>();
  return async (windows) => {
    const keyOf = ({ words }: Window) => words.map(({ text }) => text).join(" ");
    const missing = new Map(
      windows.filter((window) => !known.has(keyOf(window))).map((window) => [keyOf(window), window]),
    );
    const encoded = await encodeWindows(model, [...missing.values()]);
    for (const [at, key] of [...missing.keys()].entries()) known.set(key, encoded[at] ?? new Float32Array());
    return windows.map((window) => known.get(keyOf(window)) ?? new Float32Array());
  };
}

/** A page of these rows, one below the other. */
export function joinRows(parts: readonly Float32Array[], dim: number): ScorablePage {
  const vectors = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let filled = 0;
  for (const part of parts) {
    vectors.set(part, filled);
    filled += part.length;
  }
  return { vectorCount: vectors.length / dim, vectors };
}
