import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bagOf, decodeBags, encodeBags, makeBags } from "./bags.ts";
import { decodeCodebook, encodeCodebook } from "./codebook.ts";
import { decodeCodes, encodeCodes } from "./codes.ts";
import { decodeDocuments, encodeDocuments } from "./documents.ts";
import { decodeGeometry, encodeGeometry } from "./geometry.ts";
import { decodeIdentity, encodeIdentity } from "./identity.ts";
import { decodePageTable, encodePageTable, PAGE_ROW_BYTES, type PageRow } from "./page-table.ts";
import { decodePageLayout, encodePageLayout } from "./page-layout.ts";
import { seal } from "./sealed.ts";
import { codebook, codesOf, documentEntry, geometryOf, text, vectorsOf } from "./testing/samples.ts";
import { decodeVectors, encodeVectors } from "./vectors.ts";

const corruptData = (problem: RegExp) =>
  expect.objectContaining({ code: "corrupt_data", message: expect.stringMatching(problem) });

const row: PageRow = {
  documentOrdinal: 0,
  pageNumber: 1,
  width: 612,
  height: 792,
  vectorCount: 3,
  status: "searchable",
  layoutBytes: 100,
};

describe("decoding what was encoded gives the same", () => {
  it("codes", () => {
    const sample = fc
      .tuple(fc.nat(30), fc.nat(20))
      .chain(([n, m]) => fc.tuple(fc.constant(n), fc.constant(m), codesOf(n, m)));
    fc.assert(
      fc.property(sample, ([n, m, codes]) => {
        expect(decodeCodes(encodeCodes(codes, 5), { page: 5, vectorCount: n, subspaces: m }, "codes")).toEqual(codes);
      }),
    );
  });

  it("exact vectors", () => {
    const sample = fc.nat(10).chain((n) => fc.tuple(fc.constant(n), vectorsOf(n, 16)));
    fc.assert(
      fc.property(sample, ([n, vectors]) => {
        expect(decodeVectors(encodeVectors(vectors, 5), { page: 5, vectorCount: n, dim: 16 }, "vectors")).toEqual(
          vectors,
        );
      }),
    );
  });

  it("geometry", () => {
    const sample = fc.nat(30).chain((n) => fc.tuple(fc.constant(n), geometryOf(n)));
    fc.assert(
      fc.property(sample, ([n, geometry]) => {
        expect(decodeGeometry(encodeGeometry(geometry), n, "geometry")).toEqual(geometry);
      }),
    );
  });

  it("page layouts", () => {
    const extent = fc.float({ min: 0, noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
    const sample = fc.nat(10).chain((vectorCount) =>
      fc.record({
        vectorCount: fc.constant(vectorCount),
        geometry: geometryOf(vectorCount),
        text: fc.oneof(text, fc.constant("\ufeffmark")),
        document: documentEntry,
        pageNumber: fc.integer({ min: 1, max: 100_000 }),
        width: extent,
        height: extent,
        textSource: fc.constantFrom(undefined, "ocr" as const),
      }),
    );
    fc.assert(
      fc.property(sample, ({ vectorCount, document, ...shown }) => {
        const page = { ...shown, vectorCount, status: "searchable" as const };
        const bytes = encodePageLayout(page, 5, JSON.stringify(document));
        expect(decodePageLayout(bytes, { page: 5, vectorCount }, "layout")).toEqual({ ...shown, document });
      }),
    );
  });

  it("the text source of a page only where it is not its text layer, as before there was another", () => {
    const [document] = fc.sample(documentEntry, 1).map((entry) => JSON.stringify(entry));
    const empty = { kind: "words" as const, boxes: new Uint16Array(), columns: 0, rows: 0 };
    const page = {
      pageNumber: 1,
      width: 600,
      height: 800,
      status: "no-text" as const,
      vectorCount: 0,
      geometry: { ...empty, regionOfVector: new Uint16Array() },
      text: "",
    };
    const bytes = encodePageLayout(page, 0, document ?? "");
    expect(encodePageLayout({ ...page, textSource: "layer" }, 0, document ?? "")).toEqual(bytes);
    expect(new TextDecoder().decode(bytes)).not.toContain("textSource");
    const read = encodePageLayout({ ...page, textSource: "ocr" }, 0, document ?? "");
    expect(decodePageLayout(read, { page: 0, vectorCount: 0 }, "layout").textSource).toBe("ocr");
  });

  it("documents, whatever the order of their metadata", () => {
    fc.assert(
      fc.property(fc.array(documentEntry, { maxLength: 5 }), (documents) => {
        const bytes = encodeDocuments(documents);
        expect(decodeDocuments(bytes, "documents")).toEqual(documents);
        const reversed = documents.map((document) => ({
          ...document,
          metadata: Object.fromEntries(Object.entries(document.metadata).reverse()),
        }));
        expect(encodeDocuments(reversed)).toEqual(bytes);
      }),
    );
  });

  it("identity", () => {
    const identity = { recipeFingerprint: "ab12", codebookId: "codebook", dim: 128, subspaces: 16 };
    expect(decodeIdentity(encodeIdentity(identity), "identity")).toEqual(identity);
  });

  it("codebook", () => {
    fc.assert(
      fc.property(codebook, (sample) => {
        expect(decodeCodebook(encodeCodebook(sample), {})).toEqual(sample);
      }),
      { numRuns: 30 },
    );
  });

  it("page table", () => {
    const rows = [
      row,
      { ...row, pageNumber: 5 },
      { ...row, documentOrdinal: 7, vectorCount: 0, status: "no-text" as const },
    ];
    const bytes = encodePageTable(rows);
    expect(bytes.byteLength).toBe(rows.length * PAGE_ROW_BYTES);
    const { pages, recordOffsets } = decodePageTable(bytes, 4, "pages");
    expect(pages).toEqual({
      pageCount: 3,
      documentOrdinal: Uint32Array.of(0, 0, 7),
      pageNumber: Uint32Array.of(1, 5, 1),
      vectorCount: Uint32Array.of(3, 3, 0),
      width: Float32Array.of(612, 612, 612),
      height: Float32Array.of(792, 792, 792),
      status: ["searchable", "searchable", "no-text"],
    });
    // 3 vectors of 2 + 4 bytes, a checksum, and the layout; the header before the first.
    expect(recordOffsets).toEqual(Uint32Array.of(16, 138, 260, 360));
  });
});

describe("bags", () => {
  const ids = fc.array(fc.oneof(fc.nat(40), fc.nat(0xffff)), { maxLength: 30 }).map((list) => Uint16Array.from(list));
  const idsOfPages = fc.array(ids, { maxLength: 12 });

  it("hold the distinct centroids of every page, ascending", () => {
    fc.assert(
      fc.property(idsOfPages, (pages) => {
        const bags = decodeBags(encodeBags(makeBags(pages)), pages.length, "bags");
        for (const [page, pageIds] of pages.entries()) {
          expect([...bagOf(bags, page)]).toEqual([...new Set(pageIds)].toSorted((a, b) => a - b));
        }
      }),
    );
  });

  it("spend about one byte on an id that is near the one before", () => {
    const page = Uint16Array.from({ length: 200 }, (_, index) => index * 20);
    expect(encodeBags(makeBags([page])).byteLength).toBeLessThan(page.byteLength / 1.9);
  });
});

describe("decoders refuse", () => {
  it.each([
    ["a row that is cut off", encodePageTable([row]).subarray(1), /23 bytes are not/],
    ["a page number of 0", encodePageTable([{ ...row, pageNumber: 0 }]), /counts pages from 0/],
    ["the same page twice", encodePageTable([row, row]), /page 1 of document 0 is out of order/],
    ["documents out of order", encodePageTable([{ ...row, documentOrdinal: 2 }, row]), /out of order/],
    ["a page without text that has vectors", encodePageTable([{ ...row, status: "no-text" }]), /no text but vectors/],
    ["a layout that is too short", encodePageTable([{ ...row, layoutBytes: 15 }]), /a layout of 15 bytes/],
    ["a width that is no number", encodePageTable([{ ...row, width: Number.NaN }]), /NaN × 792/],
    [
      "records beyond 4 GiB",
      encodePageTable([
        { ...row, layoutBytes: 0xffff_ffff },
        { ...row, pageNumber: 2 },
      ]),
      /beyond 4294967295/,
    ],
  ])("a page table with %s", (_what, bytes, problem) => {
    expect(() => decodePageTable(bytes, 4, "pages")).toThrow(corruptData(problem));
  });

  it("a page table with an unknown status", () => {
    const bytes = encodePageTable([row]);
    bytes[18] = 9;
    expect(() => decodePageTable(bytes, 4, "pages")).toThrow(corruptData(/unknown status/));
  });

  it("bags that claim more ids than there are bytes, before allocating for them", () => {
    const bytes = encodeBags(makeBags([Uint16Array.of(1, 2)]));
    new DataView(bytes.buffer, bytes.byteOffset).setUint32(4, 0xffff_ffff, true);
    expect(() => decodeBags(bytes, 1, "bags")).toThrow(corruptData(/4294967295 ids do not fit/));
  });

  it("bags of another number of pages", () => {
    expect(() => decodeBags(encodeBags(makeBags([])), 2, "bags")).toThrow(corruptData(/bags of 0 pages, not of 2/));
  });

  it("a vector in a region that is not there", () => {
    const geometry = {
      kind: "words" as const,
      columns: 0,
      rows: 0,
      boxes: new Uint16Array(4),
      regionOfVector: Uint16Array.of(1),
    };
    expect(() => decodeGeometry(encodeGeometry(geometry), 1, "geometry")).toThrow(corruptData(/region 1 of 1/));
  });

  it("a page layout whose text is not UTF-8, or whose document is none", () => {
    const geometry = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);
    const layoutOf = (textBytes: Uint8Array, facts: string) => {
      const factsBytes = new TextEncoder().encode(facts);
      const lengths = Uint32Array.of(geometry.byteLength, textBytes.byteLength, factsBytes.byteLength);
      return seal(0, [lengths, geometry, textBytes, factsBytes]);
    };
    const shape = { page: 0, vectorCount: 0 };
    const notText = layoutOf(Uint8Array.of(0xc3, 0x28), "{}");
    expect(() => decodePageLayout(notText, shape, "layout")).toThrow(corruptData(/not UTF-8/));
    for (const facts of ["", "{}", "[1]", '{"document":{},"pageNumber":1,"width":1,"height":1}']) {
      const bytes = layoutOf(Uint8Array.of(0x61), facts);
      expect(() => decodePageLayout(bytes, shape, "layout")).toThrow(corruptData(/no page of a document/));
    }
  });

  it("cells that leave out centroids or have none", () => {
    for (const sample of fc.sample(codebook, { numRuns: 20, seed: 1 })) {
      const { offsets } = sample.cells;
      const bad = [
        offsets.map((offset) => offset + 1),
        Uint32Array.of(0, 0, ...offsets.subarray(1)),
        Uint32Array.of(0),
      ];
      for (const changed of bad) {
        const cells = { ...sample.cells, offsets: changed };
        expect(() => encodeCodebook({ ...sample, cells })).toThrow(corruptData(/cell/));
      }
    }
  });

  it("documents that are not a list of documents", () => {
    for (const json of ["", "{}", "[1]", '[{"id":"a"}]', "[".repeat(10_000)]) {
      expect(() => decodeDocuments(new TextEncoder().encode(json), "documents")).toThrow(
        corruptData(/no list of documents/),
      );
    }
  });

  it("codes of another number of vectors", () => {
    const bytes = encodeCodes({ centroidIds: Uint16Array.of(1), codes: Uint8Array.of(1, 2) }, 0);
    const shape = { page: 0, vectorCount: 2, subspaces: 2 };
    expect(() => decodeCodes(bytes, shape, "codes")).toThrow(corruptData(/needs 4 bytes|are left/));
    expect(() => decodeCodes(bytes, { ...shape, vectorCount: 0 }, "codes")).toThrow(corruptData(/4 bytes follow/));
    expect(() => decodeCodes(bytes, { ...shape, page: 1 }, "codes")).toThrow(corruptData(/checksum/));
    expect(() => decodeCodes(bytes.subarray(0, 3), shape, "codes")).toThrow(corruptData(/only 3 bytes/));
  });
});

describe("the writer refuses", () => {
  it("a metadata field that JSON objects cannot hold", () => {
    const metadata: Record<string, string> = JSON.parse('{"__proto__":"x"}');
    const documents = fc.sample(documentEntry, 1).map((sample) => ({ ...sample, metadata }));
    expect(() => encodeDocuments(documents)).toThrow(/cannot be called "__proto__"/);
  });
});
