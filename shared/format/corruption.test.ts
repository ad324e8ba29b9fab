import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MaxleafError } from "../errors.ts";
import { layout } from "../store/layout.ts";
import { MemoryStore } from "../store/memory-store.ts";
import { decodeBags } from "./bags.ts";
import { decodeCells } from "./cells.ts";
import { decodeCodebook, encodeCodebook } from "./codebook.ts";
import { decodeCodes } from "./codes.ts";
import { readContainer, type SectionKind, writeContainer } from "./container.ts";
import type { SegmentIdentity } from "./contract.ts";
import { decodeDocuments } from "./documents.ts";
import { decodeGeometry } from "./geometry.ts";
import { decodeIdentity } from "./identity.ts";
import { decodeCellBlock } from "./inverted/cell-block.ts";
import { decodeCellTable } from "./inverted/cell-table.ts";
import { decodeCoverage } from "./inverted/coverage.ts";
import { decodeDirectory } from "./inverted/directory.ts";
import { DocumentIds } from "./inverted/document-ids.ts";
import { termsOfBlock } from "./lexical/blocks.ts";
import { decodePostings } from "./lexical/postings.ts";
import { LexicalTable } from "./lexical/table.ts";
import { decodePageTable } from "./page-table.ts";
import { decodePageLayout } from "./page-layout.ts";
import { seal } from "./sealed.ts";
import { codebook, segmentInput } from "./testing/samples.ts";
import { INDEX, openStored, putSegment, readAll, SEGMENT_ID } from "./testing/stored-segment.ts";
import { decodeVectors } from "./vectors.ts";

/** Fixed, so that a failure in CI is the same failure everywhere. */
const SEED = 20_261_124;
const SECTIONS = ["records", "lexicalBlocks", "bags", "lexicalTable", "identity", "documents", "pages"] as const;

const [input] = fc
  .sample(segmentInput, { seed: SEED, numRuns: 200 })
  .filter(({ pages, identity }) => pages.length > 5 && identity.subspaces > 0);
if (input === undefined) throw new Error("no sample has enough pages");
const store = new MemoryStore();
const { segment: segmentBytes, vectors: vectorsBytes } = await putSegment(store, input);
const intact = await readAll(await openStored(store, input.identity));
const codebookBytes = fc.sample(codebook, { seed: SEED, numRuns: 1 }).map(encodeCodebook)[0] ?? new Uint8Array(0);

/** What is done to a file: `position` and `amount` are fractions of it, so that one mutation fits any file. */
const mutation = fc.record({
  kind: fc.constantFrom("truncate", "flip", "overwrite", "huge", "remove", "insert"),
  position: fc.double({ min: 0, max: 0.999_999, noNaN: true }),
  bit: fc.nat(7),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 12 }),
});
type Mutation = typeof mutation extends fc.Arbitrary<infer Value> ? Value : never;

function mutate(file: Uint8Array, { kind, position, bit, bytes }: Mutation): Uint8Array {
  const at = Math.floor(position * file.byteLength);
  const changed = file.slice();
  const written = kind === "huge" ? new Uint8Array(4).fill(0xff) : bytes;
  switch (kind) {
    case "truncate":
      return changed.subarray(0, at);
    case "flip":
      if (at < changed.byteLength) changed[at] = (changed[at] ?? 0) ^ (1 << bit);
      return changed;
    case "remove":
      return Uint8Array.from([...changed.subarray(0, at), ...changed.subarray(at + bytes.byteLength)]);
    case "insert":
      return Uint8Array.from([...changed.subarray(0, at), ...bytes, ...changed.subarray(at)]);
    default:
      changed.set(written.subarray(0, changed.byteLength - at), at);
      return changed;
  }
}

type Outcome = { value: unknown } | { code: string };

const refusedPart = (outcomes: readonly Outcome[]) =>
  outcomes.filter((outcome) => "code" in outcome).length / outcomes.length;

/** What `read` gives, or its error, which must be a typed one that blames the data. */
async function outcomeOf<T>(read: () => T | Promise<T>): Promise<{ value: T } | { code: string }> {
  try {
    return { value: await read() };
  } catch (error) {
    expect(error).toBeInstanceOf(MaxleafError);
    if (!(error instanceof MaxleafError)) throw error;
    expect(["corrupt_data", "unsupported_format_version", "recipe_mismatch"]).toContain(error.code);
    return { code: error.code };
  }
}

async function readSegment(segment: Uint8Array, vectors: Uint8Array, expected: SegmentIdentity) {
  const damaged = new MemoryStore();
  await damaged.put(layout.segment(INDEX, SEGMENT_ID), segment);
  await damaged.put(layout.vectors(INDEX, SEGMENT_ID), vectors);
  return await readAll(await openStored(damaged, expected));
}

/** `file` with one section's bytes changed and every checksum of the container right again. */
function forgeSection(file: Uint8Array, kind: SectionKind, change: Mutation): Uint8Array {
  const table = readContainer(file, file.byteLength, "segment", "file");
  const sections = SECTIONS.map((section) => {
    const { offset, length } = table.get(section);
    const bytes = file.subarray(offset, offset + length);
    return { kind: section, parts: [section === kind ? mutate(bytes, change) : bytes] };
  });
  return writeContainer("segment", sections);
}

describe("damaged data", () => {
  it("never reads as something else: a segment is intact or refused (1,500 cases)", async () => {
    const outcomes: Outcome[] = [];
    await fc.assert(
      fc.asyncProperty(mutation, async (change) => {
        const damaged = mutate(segmentBytes, change);
        const outcome = await outcomeOf(() => readSegment(damaged, vectorsBytes, input.identity));
        if ("value" in outcome) expect(outcome.value).toEqual(intact);
        outcomes.push(outcome);
      }),
      { seed: SEED, numRuns: 1_500 },
    );
    // Mutations that change nothing, or only reserved bytes, are the few that are let through.
    expect(refusedPart(outcomes)).toBeGreaterThan(0.95);
  });

  it("is refused in a vectors object too (500 cases)", async () => {
    const outcomes: Outcome[] = [];
    await fc.assert(
      fc.asyncProperty(mutation, async (change) => {
        const damaged = mutate(vectorsBytes, change);
        const outcome = await outcomeOf(() => readSegment(segmentBytes, damaged, input.identity));
        if ("value" in outcome) expect(outcome.value).toEqual(intact);
        outcomes.push(outcome);
      }),
      { seed: SEED, numRuns: 500 },
    );
    // Its header, identity and footer are for other tools: this reader needs the segment's own page table only.
    expect(refusedPart(outcomes)).toBeGreaterThan(0.4);
  });

  it("gives a typed error or some data when the checksums were forged as well (1,500 cases)", async () => {
    const outcomes: Outcome[] = [];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...SECTIONS), mutation, async (section, change) => {
        const forged = forgeSection(segmentBytes, section, change);
        outcomes.push(await outcomeOf(() => readSegment(forged, vectorsBytes, input.identity)));
      }),
      { seed: SEED, numRuns: 1_500 },
    );
    expect(refusedPart(outcomes)).toBeGreaterThan(0.5);
  });

  it("never reads as another codebook (500 cases)", async () => {
    const expected = decodeCodebook(codebookBytes, {});
    const outcomes: Outcome[] = [];
    await fc.assert(
      fc.asyncProperty(mutation, async (change) => {
        const outcome = await outcomeOf(() => decodeCodebook(mutate(codebookBytes, change), {}));
        if ("value" in outcome) expect(outcome.value).toEqual(expected);
        outcomes.push(outcome);
      }),
      { seed: SEED, numRuns: 500 },
    );
    expect(refusedPart(outcomes)).toBeGreaterThan(0.8);
  });

  it("gives a typed error from every decoder whatever the bytes are (4,000 cases)", async () => {
    const shape = { page: 0, vectorCount: 4, subspaces: 4, dim: 16 };
    const decoders = fc.constantFrom<(bytes: Uint8Array) => unknown>(
      (bytes) => decodeBags(bytes, 3, "bags"),
      (bytes) => decodeCodes(bytes, shape, "codes"),
      // Sealed, or nothing would get past the checksum.
      (bytes) => decodeCodes(seal(0, [bytes]), shape, "codes"),
      (bytes) => decodeVectors(seal(0, [bytes]), shape, "vectors"),
      (bytes) => decodePageLayout(seal(0, [bytes]), shape, "layout"),
      (bytes) => decodeCells(bytes, 16, "cells"),
      (bytes) => decodeDocuments(bytes, "documents"),
      (bytes) => decodeGeometry(bytes, 4, "geometry"),
      (bytes) => decodeIdentity(bytes, "identity"),
      (bytes) => decodePageTable(bytes, 4, "pages"),
      (bytes) => decodeCellBlock(bytes, 4, 20, "block"),
      (bytes) => decodeCellTable(bytes, [20], "cell table"),
      (bytes) => decodeCoverage(bytes, "coverage"),
      (bytes) => decodeDirectory(bytes, 3, "directory"),
      (bytes) => new DocumentIds(bytes, { offset: 16, length: 32 }, "document ids"),
      (bytes) => [...termsOfBlock(bytes, "block")],
      (bytes) => decodePostings(bytes, 20, "postings"),
      (bytes) => new LexicalTable(bytes, { pageCount: 3, partBytes: [20] }, "lexical table"),
      (bytes) => decodeCodebook(bytes, {}),
    );
    // Small and all-ones numbers more often than others: they are what passes or breaks checks.
    const byte = fc.oneof(fc.nat(4), fc.constant(0xff), fc.nat(0xff));
    const bytes = fc.array(byte, { maxLength: 96 }).map((numbers) => Uint8Array.from(numbers));
    const outcomes: Outcome[] = [];
    await fc.assert(
      fc.asyncProperty(decoders, bytes, async (decode, data) => {
        outcomes.push(await outcomeOf(() => decode(data)));
      }),
      { seed: SEED, numRuns: 4_000 },
    );
    expect(refusedPart(outcomes)).toBeGreaterThan(0.5);
  });

  it("of every single flipped bit of a segment is noticed, outside the header's reserved bytes", async () => {
    const unnoticed: number[] = [];
    for (let at = 0; at < segmentBytes.byteLength; at++) {
      const damaged = segmentBytes.slice();
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
      const outcome = await outcomeOf(() => readSegment(damaged, vectorsBytes, input.identity));
      if ("value" in outcome) unnoticed.push(at);
    }
    expect(unnoticed).toEqual([8, 9, 10, 11, 12, 13, 14, 15]);
  });
});

describe("versions", () => {
  it.each([1, 3])("other than 2, like %d, are refused as such, not as corrupt", async (version) => {
    const other = segmentBytes.slice();
    for (const at of [4, other.byteLength - 8]) new DataView(other.buffer).setUint16(at, version, true);
    const outcome = await outcomeOf(() => readSegment(other, vectorsBytes, input.identity));
    expect(outcome).toEqual({ code: "unsupported_format_version" });
  });
});
