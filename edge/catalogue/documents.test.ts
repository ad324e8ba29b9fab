import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SearchableIndex } from "../../shared/engine/contract.ts";
import type { SegmentReader } from "../../shared/format/contract.ts";
import type { DocumentEntry } from "../../shared/page.ts";
import { type CatalogueEntry, listDocuments } from "./documents.ts";

/** A document's part in a segment: its name and searchable pages; deleted ones are in the table all the same. */
interface Part {
  name: string;
  pages: number;
  deleted: boolean;
}

const part = fc.record({
  name: fc.integer({ min: 97, max: 112 }).map((code) => String.fromCharCode(code)),
  pages: fc.integer({ min: 0, max: 3 }),
  deleted: fc.boolean(),
});
const segmentsOfParts = fc.array(fc.uniqueArray(part, { selector: ({ name }) => name, maxLength: 6 }), {
  maxLength: 15,
});

type Catalogued = Pick<SearchableIndex, "manifest" | "overlay" | "openSegment" | "findDocument">;

/** As much of an index as its list of documents looks at. */
function indexOf(segments: readonly (readonly Part[])[], onOpen: (position: number) => string = String): Catalogued {
  const entries = segments.map((parts, position) => ({
    id: String(position),
    deletedDocuments: parts.flatMap(({ deleted }, ordinal) => (deleted ? [ordinal] : [])),
  }));
  const index = {
    manifest: { index: "library", segments: entries },
    overlay: new Map(),
    openSegment: async (position: number) => readerOf(onOpen(position), segments[position] ?? []),
    findDocument: async () => [],
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the list looks at nothing else
  return index as unknown as Catalogued;
}

function readerOf(id: string, parts: readonly Part[]): SegmentReader {
  const owners = parts.flatMap(({ pages }, ordinal) => Array<number>(pages + 1).fill(ordinal));
  const reader = {
    id,
    documents: parts.map(({ name }) => ({ id: `id of ${name}`, name })),
    pages: {
      pageCount: owners.length,
      documentOrdinal: Uint32Array.from(owners),
      // The last page of each is blank.
      status: owners.map((owner, page) => (owners[page + 1] === owner ? "searchable" : "no-text")),
    },
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the list looks at nothing else
  return reader as unknown as SegmentReader;
}

/** Names with their searchable pages, in order, by adding up everything. */
function expectedList(segments: readonly (readonly Part[])[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const { name, pages, deleted } of segments.flat()) {
    if (!deleted) counts.set(name, (counts.get(name) ?? 0) + pages);
  }
  return [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

const named = (entries: readonly CatalogueEntry[]): [string, number][] =>
  entries.map(({ document, searchablePages }: { document: DocumentEntry; searchablePages: number }) => [
    document.name,
    searchablePages,
  ]);

describe("listDocuments", () => {
  it("gives every live document once, by name, in pages of any size", async () => {
    await fc.assert(
      fc.asyncProperty(segmentsOfParts, fc.integer({ min: 1, max: 20 }), async (segments, limit) => {
        const listed: [string, number][] = [];
        let after: string | undefined;
        for (;;) {
          const { entries, hasMore } = await listDocuments(indexOf(segments), { after, limit });
          expect(entries.length).toBeLessThanOrEqual(limit);
          listed.push(...named(entries));
          if (!hasMore) break;
          after = entries.at(-1)?.document.name;
        }
        expect(listed).toEqual(expectedList(segments));
      }),
    );
  });

  it("gives each document once that is there all the time, while others come and go between two pages", async () => {
    const change = fc.record({ name: part.map(({ name }) => name), adds: fc.boolean() });
    const changes = fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 20 });
    const names = fc.uniqueArray(
      part.map(({ name }) => name),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(names, changes, fc.integer({ min: 1, max: 4 }), async (first, rounds, limit) => {
        const present = new Set(first);
        const always = new Set(first);
        const everPresent = new Set(first);
        const listed: string[] = [];
        for (let round = 0, after: string | undefined; ; round++) {
          const segments = [...present].map((name) => [{ name, pages: 1, deleted: false }]);
          const { entries, hasMore } = await listDocuments(indexOf(segments), { after, limit });
          for (const { document } of entries) expect(present).toContain(document.name);
          listed.push(...entries.map(({ document }) => document.name));
          if (!hasMore) break;
          after = entries.at(-1)?.document.name;
          for (const { name, adds } of rounds[round] ?? []) {
            if (adds) present.add(name);
            else present.delete(name);
            if (adds) everPresent.add(name);
            else always.delete(name);
          }
        }
        expect(new Set(listed).size).toBe(listed.length);
        expect(listed).toEqual(listed.toSorted());
        expect(listed).toEqual(expect.arrayContaining([...always]));
        for (const name of listed) expect(everPresent).toContain(name);
      }),
    );
  });

  it("begins again when the index changes, and gives up when it never stops", async () => {
    const segments = [[{ name: "a", pages: 1, deleted: false }]];
    let opens = 0;
    const once = indexOf(segments, (position) => ((opens += 1) === 1 ? "replaced" : String(position)));
    expect(named((await listDocuments(once, { after: undefined, limit: 9 })).entries)).toEqual([["a", 1]]);
    const always = indexOf(segments, () => "replaced");
    await expect(listDocuments(always, { after: undefined, limit: 9 })).rejects.toMatchObject({ code: "overloaded" });
  });
});
