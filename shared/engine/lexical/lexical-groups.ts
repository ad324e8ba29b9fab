/**
 * The lexical indexes of a snapshot: one for all segments that the inverted file covers, one for every other.
 *
 * @module
 */
import { MaxleafError, quote } from "../../errors.ts";
import type { LexicalIndex } from "../../format/lexical/contract.ts";
import { openLexicalFile } from "../../format/lexical/lexical-file.ts";
import type { InvertedEntry, Manifest } from "../../format/manifest.ts";
import { segmentIdentityOf } from "../../format/segment-identity.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import type { IndexSnapshot, LiveSegment } from "../snapshot.ts";

/** Segments whose terms are in one lexical index, which numbers their pages from 0, segment after segment. */
export interface LexicalGroup {
  readonly index: LexicalIndex;
  readonly segments: readonly LiveSegment[];
  /** `[pages]`: 1 for pages that can be found, deleted ones left out. */
  readonly livePages: Uint8Array;
}

/** All groups of a snapshot, and what BM25 has to know of all live pages together. */
export interface LexicalGroups {
  readonly groups: readonly LexicalGroup[];
  readonly pages: number;
  /** Terms of all of them. */
  readonly pageTerms: number;
  /** Bytes of memory held beside what opened segments hold. */
  readonly bytes: number;
}

type WithLexical = InvertedEntry & { lexical: NonNullable<InvertedEntry["lexical"]> };

/** Kept with a snapshot: read for the first search by words, and only then. */
export class LexicalHolder {
  #groups: LexicalGroups | undefined;

  /** Bytes of memory held beside what opened segments hold. */
  get bytes(): number {
    return this.#groups?.bytes ?? 0;
  }

  /**
   * At most one read, through `store`. Requests do not wait for each other's: two cold ones read twice.
   *
   * Errors: `path_unavailable` when pages are without an index of their terms; those of reading.
   */
  async groupsOf(snapshot: IndexSnapshot, store: ObjectStore): Promise<LexicalGroups> {
    if (this.#groups !== undefined) return this.#groups;
    const found = await openGroups(snapshot, store);
    this.#groups ??= found;
    return this.#groups;
  }
}

/** Whether every page of the snapshot that can be found has its terms indexed. */
export function hasLexical(snapshot: IndexSnapshot): boolean {
  const covered = new Set(invertedWithLexical(snapshot.manifest)?.segmentIds);
  return snapshot.scanned.every(({ reader, tables }) => covered.has(reader.id) || tables?.lexical !== undefined);
}

async function openGroups(snapshot: IndexSnapshot, store: ObjectStore): Promise<LexicalGroups> {
  const { manifest, scanned, segments } = snapshot;
  if (!hasLexical(snapshot)) {
    throw new MaxleafError(
      "path_unavailable",
      `index ${quote(manifest.index)} has pages whose words are not indexed; \`maxleaf optimize\` indexes them, as ingesting them again does`,
    );
  }
  const groups: LexicalGroup[] = [];
  const entry = invertedWithLexical(manifest);
  const covered = new Set(entry?.segmentIds);
  if (entry !== undefined) {
    const byId = new Map(segments.map((segment) => [segment.reader.id, segment]));
    const identity = segmentIdentityOf(manifest, { vectorCount: 1 });
    const index = await openLexicalFile(store, { index: manifest.index, entry, identity });
    groups.push(
      groupOf(
        index,
        entry.segmentIds.flatMap((id) => byId.get(id) ?? []),
      ),
    );
  }
  for (const segment of scanned) {
    const { lexical } = segment.tables ?? {};
    if (!covered.has(segment.reader.id) && lexical !== undefined) groups.push(groupOf(lexical, [segment]));
  }
  const fileBytes = entry === undefined ? 0 : (groups[0]?.index.bytes ?? 0);
  const bytes = groups.reduce((sum, { livePages }) => sum + livePages.byteLength, fileBytes);
  return { groups, bytes, ...statisticsOf(groups) };
}

function invertedWithLexical({ inverted }: Manifest): WithLexical | undefined {
  return inverted?.lexical === undefined ? undefined : { ...inverted, lexical: inverted.lexical };
}

function groupOf(index: LexicalIndex, segments: readonly LiveSegment[]): LexicalGroup {
  return { index, segments, livePages: maskOf(segments, index.pageCount, ({ searchablePages }) => searchablePages) };
}

/** The masks of `segments`, one after the other. */
export function maskOf(
  segments: readonly LiveSegment[],
  pageCount: number,
  maskOfSegment: (segment: LiveSegment) => Uint8Array | undefined,
): Uint8Array {
  const mask = new Uint8Array(pageCount);
  let first = 0;
  for (const segment of segments) {
    // Of segments without vectors no page can be found, and no mask was made.
    mask.set(maskOfSegment(segment) ?? new Uint8Array(0), first);
    first += segment.reader.pageCount;
  }
  return mask;
}

function statisticsOf(groups: readonly LexicalGroup[]): { pages: number; pageTerms: number } {
  let pages = 0;
  let pageTerms = 0;
  for (const { index, livePages } of groups) {
    for (let page = livePages.indexOf(1); page !== -1; page = livePages.indexOf(1, page + 1)) {
      pages += 1;
      pageTerms += index.lengths[page] ?? 0;
    }
  }
  return { pages, pageTerms };
}
