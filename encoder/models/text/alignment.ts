/**
 * From the characters that a tokenizer works on back to those of the text that it was given.
 *
 * @module
 */

/**
 * What a pre-tokenizer's parts are made of: characters of the normalised text, its UTF-8 bytes (each shown as one character),
 * or characters with a `▁` for every space and before every word.
 */
export type PartKind = "characters" | "bytes" | "metaspace";

/** Half-open range of characters (UTF-16 units). */
export interface CharRange {
  start: number;
  end: number;
}

const METASPACE = "▁";

/** For every part and every UTF-16 unit in it: the range of `normalized` that it stands for; empty where it stands for none. */
export function alignParts(kind: PartKind, parts: readonly string[], normalized: string): CharRange[][] {
  if (kind === "bytes") return alignBytes(parts, normalized);
  return kind === "metaspace" ? alignMetaspace(parts, normalized) : alignCharacters(parts, normalized);
}

function alignCharacters(parts: readonly string[], normalized: string): CharRange[][] {
  let position = 0;
  return parts.map((part) => {
    position = Math.max(normalized.indexOf(part, position), position);
    const start = position;
    position += part.length;
    return Array.from({ length: part.length }, (_, i) => ({ start: start + i, end: start + i + 1 }));
  });
}

function alignBytes(parts: readonly string[], normalized: string): CharRange[][] {
  const bytes: CharRange[] = [];
  let position = 0;
  for (const character of normalized) {
    const range = { start: position, end: position + character.length };
    for (let byte = 0; byte < utf8Length(character); byte++) bytes.push(range);
    position = range.end;
  }
  let offset = 0;
  return parts.map((part) => {
    const ranges = bytes.slice(offset, offset + part.length);
    offset += part.length;
    return ranges;
  });
}

/** A lone surrogate is encoded as U+FFFD: 3 bytes. */
function utf8Length(character: string): number {
  const codePoint = character.codePointAt(0) ?? 0;
  if (codePoint < 0x80) return 1;
  if (codePoint < 0x800) return 2;
  return codePoint < 0x1_0000 ? 3 : 4;
}

function alignMetaspace(parts: readonly string[], normalized: string): CharRange[][] {
  let position = 0;
  const skipSpaces = () => {
    while (/\s/u.test(normalized.charAt(position))) position++;
  };
  return parts.map((part) =>
    Array.from({ length: part.length }, (_, i) => {
      skipSpaces();
      const start = position;
      if (part[i] !== METASPACE) position++;
      return { start, end: position };
    }),
  );
}

/**
 * Maps ranges of `normalized` to ranges of `text`, by normalising character by character. Where that gives another length (a
 * letter that normalises differently in company), every range is the whole text.
 */
export function sourceRanges(
  text: string,
  normalized: string,
  normalize: (text: string) => string,
): (from: number, to: number) => [number, number] {
  const starts: number[] = [];
  const ends: number[] = [];
  let position = 0;
  for (const character of text) {
    const end = position + character.length;
    const length = normalize(character).length;
    // A combining mark vanishes when normalised: it belongs to the letter before it.
    if (length === 0 && ends.length > 0) ends[ends.length - 1] = end;
    for (let copy = 0; copy < length; copy++) {
      starts.push(position);
      ends.push(end);
    }
    position = end;
  }
  if (starts.length !== normalized.length) return () => [0, text.length];
  return (from, to) => {
    const start = starts[from] ?? text.length;
    return [start, to > from ? (ends[to - 1] ?? text.length) : start];
  };
}
