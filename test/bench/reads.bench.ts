/**
 * Why reads are joined as they are: what it takes, by the latency model, to read the records of candidates that lie anywhere
 * in a segment, with several ways of joining neighbours. Lengths are those of a segment that was really written; which pages
 * are wanted is drawn.
 *
 * @module
 */
import { codesPartBytes } from "../../shared/format/codes.ts";
import { coalesce, COALESCE_LIMITS, type CoalesceLimits, type Range } from "../../shared/format/range-reads.ts";
import { openSegment } from "../../shared/format/segment-reader.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
import { segmentIdentityOf } from "../../shared/format/segment-identity.ts";
import { vectorsRecordBytes } from "../../shared/format/vectors.ts";
import { addSegment, createRandomIndex } from "../../shared/engine/testing/random-index.ts";
import type { Random } from "../../shared/ports.ts";
import { seededRandom } from "../../shared/seeded-random.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import type { Benchmark, BenchRow } from "./benchmark.ts";
import { drawLatencyMs, OBJECT_STORE } from "./synthetic/latency-model.ts";

const SHAPE = { dim: 128, subspaces: 16, centroidCount: 256 };
const WRITTEN_PAGES = 50;
const DRAWS = 100;
const MIB = 2 ** 20;

/** A gap up to which neighbours are always joined, however few reads there are: what version 1 did with 256 KiB. */
function fixedGap(gapBytes: number): CoalesceLimits {
  return { freeGapBytes: gapBytes, gapBytes, unwantedBytes: Infinity, readBytes: 8 * MIB, readsAtOnce: 6 };
}

const WAYS: { name: string; limits: CoalesceLimits }[] = [
  { name: "not joined", limits: fixedGap(0) },
  { name: "gaps of 64 KiB", limits: fixedGap(64 * 1024) },
  { name: "gaps of 256 KiB", limits: fixedGap(256 * 1024) },
  { name: "gaps of 1 MiB", limits: fixedGap(MIB) },
  { name: "to a wave, gaps ≤ 256 KiB", limits: { ...COALESCE_LIMITS, gapBytes: 256 * 1024 } },
  { name: "to a wave, gaps ≤ 1 MiB", limits: { ...COALESCE_LIMITS, gapBytes: MIB } },
  { name: "to a wave, ≤ 4 MiB unwanted", limits: { ...COALESCE_LIMITS, unwantedBytes: 4 * MIB } },
  { name: "to a wave, ≤ 8 MiB unwanted", limits: { ...COALESCE_LIMITS, unwantedBytes: 8 * MIB } },
  { name: "to a wave, reads ≤ 8 MiB", limits: { ...COALESCE_LIMITS, readBytes: 8 * MIB } },
  { name: "as it is (COALESCE_LIMITS)", limits: COALESCE_LIMITS },
];

/** Lengths of one page's parts, in bytes. */
interface PageBytes {
  codes: number;
  record: number;
  vectors: number;
}

/** Lengths as the segment writer makes them. */
async function pageBytesOf(vectorsPerPage: number): Promise<PageBytes> {
  const store = new MemoryStore();
  const index = await createRandomIndex(store, "bench", SHAPE, seededRandom(1));
  await addSegment(index, [{ name: "a.pdf", pages: Array.from({ length: WRITTEN_PAGES }, () => vectorsPerPage) }]);
  const manifest = await readManifest(store, "bench");
  const entry = manifest?.segments[0];
  if (manifest === undefined || entry === undefined) throw new Error("no segment was written");
  const expected = segmentIdentityOf(manifest, entry);
  const { recordOffsets } = await openSegment(store, { index: "bench", id: entry.id, expected });
  const [first = 0] = recordOffsets;
  return {
    codes: codesPartBytes(vectorsPerPage, SHAPE.subspaces),
    record: Math.round(((recordOffsets.at(-1) ?? 0) - first) / WRITTEN_PAGES),
    vectors: vectorsRecordBytes(vectorsPerPage, SHAPE.dim),
  };
}

interface Pattern {
  name: string;
  pages: number;
  wanted: number;
  /** Of a page: from one to the next, and of that what is wanted. */
  stride: number;
  length: number;
}

function patternsOf(name: string, { codes, record, vectors }: PageBytes): Pattern[] {
  return [
    { name: `${name}: codes of 128 of 1,000 pages`, pages: 1_000, wanted: 128, stride: record, length: codes },
    { name: `${name}: records of 128 of 1,000 pages`, pages: 1_000, wanted: 128, stride: record, length: record },
    { name: `${name}: codes of 128 of 8,000 pages`, pages: 8_000, wanted: 128, stride: record, length: codes },
    { name: `${name}: records of 24 of 8,000 pages`, pages: 8_000, wanted: 24, stride: record, length: record },
    { name: `${name}: vectors of 32 of 1,000 pages`, pages: 1_000, wanted: 32, stride: vectors, length: vectors },
    { name: `${name}: layouts of 10 of 1,000 pages`, pages: 1_000, wanted: 10, stride: record, length: record - codes },
  ];
}

/** Ranges of distinct pages anywhere in the segment, ascending. */
function drawRanges({ pages, wanted, stride, length }: Pattern, random: Random): Range[] {
  const drawn = new Set<number>();
  while (drawn.size < wanted) drawn.add(Math.floor(pages * random.next()));
  return [...drawn].toSorted((a, b) => a - b).map((page) => ({ offset: page * stride, length }));
}

function measure(pattern: Pattern, { name, limits }: (typeof WAYS)[number]): BenchRow {
  // The same pages and latencies for every way.
  const random = seededRandom(7);
  let [ms, reads, bytes] = [0, 0, 0];
  for (let draw = 0; draw < DRAWS; draw++) {
    const lengths = coalesce(drawRanges(pattern, random), limits).map((read) => read.length);
    ms += drawLatencyMs([lengths], OBJECT_STORE, random) / DRAWS;
    reads += lengths.length / DRAWS;
    bytes += lengths.reduce((sum, length) => sum + length, 0) / DRAWS;
  }
  return {
    name: `${pattern.name}, ${name}`,
    value: ms,
    unit: "ms",
    note: `${reads.toFixed(1)} reads, ${(bytes / MIB).toFixed(2)} MiB`,
  };
}

async function run(): Promise<BenchRow[]> {
  const patterns = [
    ...patternsOf("650 vectors", await pageBytesOf(650)),
    ...patternsOf("100 vectors", await pageBytesOf(100)),
  ];
  return patterns.flatMap((pattern) => WAYS.map((way) => measure(pattern, way)));
}

const benchmark: Benchmark = {
  name: "reads",
  setting: `by the latency model (object store: median 63 ms, 99th percentile 78 ms, 50 MB/s a connection, six in flight), mean of ${DRAWS} draws of pages anywhere in a segment; 16 B a vector, ${SHAPE.dim} dimensions`,
  run,
};

export default benchmark;
