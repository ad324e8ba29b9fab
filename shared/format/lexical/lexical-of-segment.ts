/**
 * The lexical index of a segment: the one that it has, or one made of its pages' texts.
 *
 * @module
 */
import type { SegmentReader } from "../contract.ts";
import { LexicalBuilder } from "./lexical-builder.ts";
import type { LexicalSource } from "./merge-lexical.ts";
import { LexicalTable } from "./table.ts";

/** Layouts held at once while texts are read. */
const PAGES_AT_ONCE = 64;

/** What it takes of a segment. */
export type TextSource = Pick<SegmentReader, "id" | "pageCount" | "lexical" | "readLayouts">;

/** Made anew of a segment that has none, it is held in memory: about 600 bytes a page. Errors: those of reading. */
export async function lexicalOf(segment: TextSource): Promise<LexicalSource> {
  return segment.lexical ?? (await lexicalOfTexts(segment));
}

async function lexicalOfTexts(segment: TextSource): Promise<LexicalSource> {
  const { id, pageCount } = segment;
  const builder = new LexicalBuilder();
  for (let first = 0; first < pageCount; first += PAGES_AT_ONCE) {
    const length = Math.min(PAGES_AT_ONCE, pageCount - first);
    const layouts = await segment.readLayouts(Array.from({ length }, (_, i) => first + i));
    for (const { text } of layouts) builder.add(text);
  }
  const built = builder.finish();
  const [bytes] = built.parts.map((part) => part.bytes);
  const partBytes = bytes === undefined ? [] : [bytes.byteLength];
  const table = new LexicalTable(built.table, { pageCount, partBytes }, `terms of segment ${id}`);
  return {
    id,
    pageCount,
    blockCount: table.blockCount,
    lengths: table.lengths,
    readBlocks: async (blocks) =>
      blocks.map((block) => {
        const { offset, length } = table.extentOf(block);
        return bytes?.subarray(offset, offset + length) ?? new Uint8Array(0);
      }),
  };
}
