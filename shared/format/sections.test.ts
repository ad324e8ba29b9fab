import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bagOf, decodeBags, encodeBags, makeBags } from "./bags.ts";
import { decodeCodebook, encodeCodebook } from "./codebook.ts";
import { decodeCodes, encodeCodes } from "./codes.ts";
import { decodeDocuments, encodeDocuments } from "./documents.ts";
import { decodeGeometry, encodeGeometry } from "./geometry.ts";
import { decodeIdentity, encodeIdentity } from "./identity.ts";
import { decodePageTable, encodePageTable, PAGE_ROW_BYTES, type PageRow } from "./page-table.ts";
import { decodePostingsBlock, decodePostingsTable, encodePostings, POSTINGS_BLOCK_CENTROIDS } from "./postings.ts";
import { codebook, codesOf, documentEntry, geometryOf, text, vectorsOf } from "./testing/samples.ts";
import { decodeText, encodeText } from "./text.ts";
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
  geometryBytes: 10,
  textBytes: 20,
  codesChecksum: 1,
  geometryChecksum: 2,
  textChecksum: 3,
  vectorsChecksum: 4,
};

describe("decoding what was encoded gives the same", () => {
  it("codes", () => {
    const sample = fc
      .tuple(fc.nat(30), fc.nat(20))
      .chain(([n, m]) => fc.tuple(fc.constant(n), fc.constant(m), codesOf(n, m)));
    fc.assert(
      fc.property(sample, ([n, m, codes]) => {
        expect(decodeCodes(encodeCodes(codes), n, m, "codes")).toEqual(codes);
      }),
    );
  });

  it("exact vectors", () => {
    const sample = fc.nat(10).chain((n) => fc.tuple(fc.constant(n), vectorsOf(n, 16)));
    fc.assert(
      fc.property(sample, ([n, vectors]) => {
        expect(decodeVectors(encodeVectors(vectors), n, 16, "vectors")).toEqual(vectors);
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

  it("text", () => {
    fc.assert(
      fc.property(text, (value) => {
        expect(decodeText(encodeText(value), "text")).toBe(value);
      }),
    );
    expect(decodeText(encodeText("\ufeffmark"), "text")).toBe("\ufeffmark");
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
    const { pages, records } = decodePageTable(bytes, { dim: 16, subspaces: 4 }, "pages");
    expect(pages).toEqual({
      pageCount: 3,
      documentOrdinal: Uint32Array.of(0, 0, 7),
      pageNumber: Uint32Array.of(1, 5, 1),
      vectorCount: Uint32Array.of(3, 3, 0),
      width: Float32Array.of(612, 612, 612),
      height: Float32Array.of(792, 792, 792),
      status: ["searchable", "searchable", "no-text"],
    });
    expect(records.codes.offsets).toEqual(Float64Array.of(0, 18, 36, 36));
    expect(records.geometry.offsets).toEqual(Float64Array.of(0, 10, 20, 30));
    expect(records.text.offsets).toEqual(Float64Array.of(0, 20, 40, 60));
    expect(records.vectors.offsets).toEqual(Float64Array.of(0, 60, 120, 120));
    expect(records.vectors.checksums).toEqual(Uint32Array.of(4, 4, 4));
  });
});

describe("bags and postings", () => {
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

  it("are each other's transpose", () => {
    fc.assert(
      fc.property(idsOfPages, (pages) => {
        const bytes = encodePostings(makeBags(pages));
        const table = decodePostingsTable(bytes, bytes.byteLength, "postings");
        const found = new Set<string>();
        for (let block = 0; block < table.blockCount; block++) {
          const part = bytes.subarray(table.offsets[block], table.offsets[block + 1]);
          for (const [index, list] of decodePostingsBlock(part, pages.length, "block").entries()) {
            for (const page of list) found.add(`${block * POSTINGS_BLOCK_CENTROIDS + index} ${page}`);
          }
        }
        expect(found).toEqual(new Set(pages.flatMap((pageIds, page) => [...pageIds].map((id) => `${id} ${page}`))));
      }),
      { numRuns: 30 },
    );
  });

  it("spend about one byte on an id that is near the one before", () => {
    const page = Uint16Array.from({ length: 200 }, (_, index) => index * 20);
    expect(encodeBags(makeBags([page])).byteLength).toBeLessThan(page.byteLength / 1.9);
  });
});

describe("decoders refuse", () => {
  const identity = { dim: 16, subspaces: 4 };

  it.each([
    ["a row that is cut off", encodePageTable([row]).subarray(1), /43 bytes are not/],
    ["a page number of 0", encodePageTable([{ ...row, pageNumber: 0 }]), /counts pages from 0/],
    ["the same page twice", encodePageTable([row, row]), /page 1 of document 0 is out of order/],
    ["documents out of order", encodePageTable([{ ...row, documentOrdinal: 2 }, row]), /out of order/],
    ["a page without text that has vectors", encodePageTable([{ ...row, status: "no-text" }]), /no text but vectors/],
    ["a width that is no number", encodePageTable([{ ...row, width: Number.NaN }]), /NaN × 792/],
    [
      "records beyond 4 GiB",
      encodePageTable([
        { ...row, textBytes: 0xffff_ffff },
        { ...row, pageNumber: 2 },
      ]),
      /beyond 4294967295/,
    ],
  ])("a page table with %s", (_what, bytes, problem) => {
    expect(() => decodePageTable(bytes, identity, "pages")).toThrow(corruptData(problem));
  });

  it("a page table with an unknown status", () => {
    const bytes = encodePageTable([row]);
    bytes[18] = 9;
    expect(() => decodePageTable(bytes, identity, "pages")).toThrow(corruptData(/unknown status/));
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

  it("text that is not UTF-8", () => {
    expect(() => decodeText(Uint8Array.of(0xc3, 0x28), "text")).toThrow(corruptData(/not UTF-8/));
  });

  it("documents that are not a list of documents", () => {
    for (const json of ["", "{}", "[1]", '[{"id":"a"}]', "[".repeat(10_000)]) {
      expect(() => decodeDocuments(encodeText(json), "documents")).toThrow(corruptData(/no list of documents/));
    }
  });

  it("codes of another number of vectors", () => {
    const bytes = encodeCodes({ centroidIds: Uint16Array.of(1), codes: Uint8Array.of(1, 2) });
    expect(() => decodeCodes(bytes, 2, 2, "codes")).toThrow(corruptData(/needs 4 bytes|are left/));
    expect(() => decodeCodes(bytes, 0, 2, "codes")).toThrow(corruptData(/4 bytes follow its end/));
  });
});

describe("the writer refuses", () => {
  it("a metadata field that JSON objects cannot hold", () => {
    const metadata: Record<string, string> = JSON.parse('{"__proto__":"x"}');
    const documents = fc.sample(documentEntry, 1).map((sample) => ({ ...sample, metadata }));
    expect(() => encodeDocuments(documents)).toThrow(/cannot be called "__proto__"/);
  });
});
