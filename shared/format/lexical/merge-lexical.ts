/**
 * Joins the lexical indexes of many segments into one, in bounded memory: blocks of all are read side by side, from the smallest
 * hashes on, and what is complete is written.
 *
 * @module
 */
import { MaxleafError } from "../../errors.ts";
import { MAX_INVERTED_PART_BYTES, MAX_LEXICAL_OPEN_BYTES } from "../../limits.ts";
import { layout } from "../../store/layout.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import { writeContainer } from "../container.ts";
import type { SegmentIdentity } from "../contract.ts";
import { encodeIdentity } from "../identity.ts";
import type { InvertedEntry } from "../manifest.ts";
import {
  type BlockPart,
  type BlockRow,
  type BlockTerm,
  BlockWriter,
  LEXICAL_BLOCK_BYTES,
  termsOfBlock,
} from "./blocks.ts";
import type { LexicalIndex } from "./contract.ts";
import { decodePostings, PostingsWriter } from "./postings.ts";
import { encodeLexicalTable } from "./table.ts";

/** Blocks of all segments together that are held at once; every segment has one at least. */
const DEFAULT_HELD_BYTES = 32 * 1024 * 1024;

/** What is merged of a lexical index. */
export type LexicalSource = Pick<LexicalIndex, "id" | "pageCount" | "blockCount" | "lengths" | "readBlocks">;

export interface WriteLexicalOptions {
  index: string;
  /** Of the inverted file that covers the same segments. */
  id: string;
  identity: SegmentIdentity;
  /** In the order of the covered segments. */
  sources: readonly LexicalSource[];
  maxHeldBytes?: number | undefined;
  maxPartBytes?: number | undefined;
}

/**
 * Parts are stored before the head.
 *
 * @returns what the manifest says about it.
 * @throws MaxleafError `internal` when the head would be too large to open; `corrupt_data` and errors of the store.
 */
export async function writeLexicalFile(
  store: ObjectStore,
  options: WriteLexicalOptions,
): Promise<NonNullable<InvertedEntry["lexical"]>> {
  const { index, id, identity, sources, maxPartBytes = MAX_INVERTED_PART_BYTES } = options;
  const rows: BlockRow[][] = [];
  const parts: number[] = [];
  const putParts = async (full: readonly BlockPart[]): Promise<void> => {
    for (const part of full) {
      await store.put(layout.lexicalPart(index, id, parts.length), part.bytes, { onlyIf: "absent" });
      parts.push(part.bytes.byteLength);
      rows.push(part.rows);
    }
  };
  const writer = new BlockWriter(maxPartBytes);
  for await (const terms of mergedTerms(sources, options.maxHeldBytes ?? DEFAULT_HELD_BYTES)) {
    for (const { hash, postings } of terms) writer.add(hash, postings);
    await putParts(writer.takeFull());
  }
  await putParts(writer.finish());
  const lengths = sources.flatMap((source) => Array.from(source.lengths));
  const head = writeContainer("lexical", [
    { kind: "identity", parts: [encodeIdentity(identity)] },
    { kind: "lexicalTable", parts: [encodeLexicalTable(rows, lengths)] },
  ]);
  if (head.byteLength > MAX_LEXICAL_OPEN_BYTES) {
    throw new MaxleafError("internal", `a lexical index of ${head.byteLength} bytes to open is too large; cover less`);
  }
  await store.put(layout.lexical(index, id), head, { onlyIf: "absent" });
  return { bytes: head.byteLength, parts };
}

/** Terms of one source that were read and not written yet. */
interface Cursor {
  source: LexicalSource;
  /** Added to the numbers of its pages. */
  firstPage: number;
  nextBlock: number;
  terms: BlockTerm[];
}

/** All terms with the postings of all sources, ascending by hash, some at a time. */
async function* mergedTerms(sources: readonly LexicalSource[], maxHeldBytes: number): AsyncGenerator<BlockTerm[]> {
  let firstPage = 0;
  const cursors = sources.map((source): Cursor => {
    const cursor = { source, firstPage, nextBlock: 0, terms: [] };
    firstPage += source.pageCount;
    return cursor;
  });
  const blocksAtOnce = Math.max(1, Math.floor(maxHeldBytes / LEXICAL_BLOCK_BYTES / Math.max(1, sources.length)));
  for (;;) {
    for (const cursor of cursors) if (cursor.terms.length === 0) await readOn(cursor, blocksAtOnce);
    const unfinished = cursors.filter(({ terms }) => terms.length > 0);
    if (unfinished.length === 0) return;
    yield takeComplete(unfinished);
  }
}

async function readOn(cursor: Cursor, blocks: number): Promise<void> {
  const { source, nextBlock } = cursor;
  const end = Math.min(source.blockCount, nextBlock + blocks);
  const wanted = Array.from({ length: end - nextBlock }, (_, i) => nextBlock + i);
  cursor.nextBlock = end;
  const read = await source.readBlocks(wanted);
  cursor.terms = read.flatMap((bytes, i) => [
    ...termsOfBlock(bytes, `segment ${source.id}, block ${wanted[i]} of terms`),
  ]);
}

/** Takes from `cursors` the terms up to where one of them has to be read on. */
function takeComplete(cursors: readonly Cursor[]): BlockTerm[] {
  let bound: bigint | undefined;
  for (const { terms } of cursors) {
    const last = terms.at(-1)?.hash ?? 0n;
    if (bound === undefined || last < bound) bound = last;
  }
  const taken: (BlockTerm & { cursor: Cursor })[] = [];
  for (const cursor of cursors) {
    const end = cursor.terms.findIndex(({ hash }) => hash > (bound ?? 0n));
    const complete = cursor.terms.splice(0, end === -1 ? cursor.terms.length : end);
    for (const term of complete) taken.push({ ...term, cursor });
  }
  // A stable sort: of one term, the postings of earlier segments stay first.
  taken.sort((a, b) => (a.hash < b.hash ? -1 : Number(a.hash > b.hash)));
  const terms: BlockTerm[] = [];
  for (let first = 0; first < taken.length;) {
    const hash = taken[first]?.hash ?? 0n;
    let end = first + 1;
    while (taken[end]?.hash === hash) end += 1;
    terms.push({ hash, postings: joined(taken.slice(first, end)) });
    first = end;
  }
  return terms;
}

function joined(lists: readonly (BlockTerm & { cursor: Cursor })[]): Uint8Array {
  const writer = new PostingsWriter();
  for (const { postings, cursor } of lists) {
    const { id, pageCount } = cursor.source;
    const { pages, counts } = decodePostings(postings, pageCount, `segment ${id}, postings`);
    for (let i = 0; i < pages.length; i++) writer.add(cursor.firstPage + (pages[i] ?? 0), counts[i] ?? 0);
  }
  return writer.finish();
}
