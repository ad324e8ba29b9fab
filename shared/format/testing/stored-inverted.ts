/**
 * Writes segments and an inverted file over them into a store, and says by brute force what must be in it.
 *
 * @module
 */
import type { ObjectStore } from "../../store/object-store.ts";
import type { Cells, SegmentIdentity } from "../contract.ts";
import { cellCountOf } from "../cells.ts";
import { decodeCellBlock } from "../inverted/cell-block.ts";
import type { InvertedFile } from "../inverted/contract.ts";
import { openInvertedFile } from "../inverted/inverted-reader.ts";
import { invertedSegment, type WriteInvertedOptions, writeInvertedFile } from "../inverted/inverted-writer.ts";
import type { LexicalIndex } from "../lexical/contract.ts";
import { openLexicalFile } from "../lexical/lexical-file.ts";
import type { InvertedEntry } from "../manifest.ts";
import { uncodedIdentity } from "../segment-identity.ts";
import type { SegmentInput } from "./samples.ts";
import { INDEX, openStored, putSegment, readAllRecords } from "./stored-segment.ts";

export const INVERTED_ID = "00000abc";

/** Id of the `position`-th segment that {@link putInverted} stores. */
export function segmentId(position: number): string {
  return (position + 1).toString(16).padStart(8, "0");
}

/** Stores `inputs`, which share one identity, as segments, and an inverted file over all of them. */
export async function putInverted(
  store: ObjectStore,
  inputs: readonly SegmentInput[],
  {
    identity,
    cells,
    ...limits
  }: { identity: SegmentIdentity; cells: Pick<Cells, "offsets"> } & Partial<
    Pick<WriteInvertedOptions, "maxListBytes" | "maxPartBytes" | "id">
  >,
): Promise<InvertedEntry> {
  const segments = [];
  for (const [position, input] of inputs.entries()) {
    const coded = input.pages.some(({ page }) => page.vectorCount > 0);
    const own = { ...input, identity: coded ? identity : uncodedIdentity(identity) };
    const { counts } = await putSegment(store, own, segmentId(position));
    segments.push(invertedSegment(await openStored(store, own.identity, segmentId(position)), counts.bytes));
  }
  return await writeInvertedFile(store, { index: INDEX, id: INVERTED_ID, identity, cells, segments, ...limits });
}

export async function openStoredInverted(
  store: ObjectStore,
  entry: InvertedEntry,
  identity: SegmentIdentity,
): Promise<InvertedFile> {
  return await openInvertedFile(store, { index: INDEX, entry, identity });
}

/** The lexical index of the same pages. */
export async function openStoredLexical(
  store: ObjectStore,
  entry: InvertedEntry,
  identity: SegmentIdentity,
): Promise<LexicalIndex> {
  const { lexical } = entry;
  if (lexical === undefined) throw new Error("the inverted file has no lexical index");
  return await openLexicalFile(store, { index: INDEX, entry: { ...entry, lexical }, identity });
}

/** The lists of every centroid, by an opened file. */
export async function readLists(file: InvertedFile, { offsets }: Pick<Cells, "offsets">): Promise<number[][]> {
  const blocks = await file.readCells(Array.from({ length: cellCountOf({ offsets }) }, (_, cell) => cell));
  return blocks.flatMap(({ cell, bytes }) => {
    const size = (offsets[cell + 1] ?? 0) - (offsets[cell] ?? 0);
    return decodeCellBlock(bytes, size, file.pageCount, `cell ${cell}`).map((list) => [...list]);
  });
}

/** What {@link readLists} must give. */
export function listsOf(inputs: readonly SegmentInput[], centroidCount: number): number[][] {
  const lists = Array.from({ length: centroidCount }, (): number[] => []);
  for (const [position, { codes }] of inputs.flatMap(({ pages }) => pages).entries()) {
    for (const centroid of new Set(codes.centroidIds)) lists[centroid]?.push(position);
  }
  return lists;
}

/** Everything in an inverted file and the records that it finds. */
export async function readAllInverted(
  file: InvertedFile,
  cells: Pick<Cells, "offsets">,
  documentIds: Iterable<string>,
) {
  const { id, segmentIds, pageCount, firstPosition, recordOffsets, vectorCounts, documentOrdinals } = file;
  const places: unknown[] = [];
  for (const documentId of documentIds) places.push(await file.findDocument(documentId));
  const records: unknown[] = [];
  for (const position of segmentIds.keys()) records.push(await readAllRecords(file.records(position)));
  return {
    table: { id, segmentIds, pageCount, firstPosition, recordOffsets, vectorCounts, documentOrdinals },
    lists: await readLists(file, cells),
    places,
    records,
  };
}
