import fc from "fast-check";
import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import type { CellBlock } from "../format/inverted/contract.ts";
import { encodeCellBlock } from "../format/inverted/cell-block.ts";
import { Kernel, type KernelCodebook } from "./kernel.ts";
import { ListScan } from "./list-scan.ts";
import { cellOf, type Probe } from "./probe.ts";
import { LANES } from "./query-block.ts";
import * as reference from "./reference.ts";
import { material, numbers } from "./testing/material.ts";
import { compileKernel } from "./webassembly.ts";

const CENTROIDS = 21;

let kernel: Kernel;
let codebook: KernelCodebook;

beforeAll(async () => {
  kernel = new Kernel(await compileKernel(await readFile(new URL("build/kernel.wasm", import.meta.url))));
  const shape = { seed: 3, dim: 16, subspaces: 4, centroidCount: CENTROIDS, tokenCount: 1, vectorCount: 1 };
  codebook = kernel.loadCodebook(material({ ...shape, extreme: false, twins: false }).codebook);
});

interface Token {
  centroids: number[];
  gains: number[];
}

interface Setup {
  lists: Uint32Array[];
  tokens: Token[];
  probe: Probe;
  blocks: CellBlock[];
}

/** Ascending pages of every centroid, a probe of some, and the blocks of all cells in any order. */
function setup(seed: number, pageCount: number, tokenCount: number, nprobe: number): Setup {
  const next = numbers(seed);
  const below = (limit: number): number => Math.floor(next() * limit);
  const lists = Array.from({ length: CENTROIDS }, () => {
    const share = next() < 0.2 ? 0 : next() ** 3;
    return Uint32Array.from(Array.from({ length: pageCount }, (_, page) => page).filter(() => next() < share));
  });
  const tokens = Array.from({ length: tokenCount }, (): Token => {
    const centroids = [...new Set(Array.from({ length: nprobe }, () => below(CENTROIDS)))];
    return { centroids, gains: centroids.map(() => 1 + below(255)) };
  });
  const blocks = Array.from({ length: codebook.cells.count }, (_, cell) => blockOf(cell, lists));
  return { lists, tokens, probe: probeOfTokens(tokens), blocks: shuffled(blocks, next) };
}

function probeOfTokens(tokens: readonly Token[]): Probe {
  const centroids = [...new Set(tokens.flatMap((token) => token.centroids))].sort((a, b) => a - b);
  const gains = Array.from(
    { length: Math.ceil(tokens.length / LANES) },
    () => new Uint8Array(centroids.length * LANES),
  );
  for (const [token, { centroids: ofToken, gains: given }] of tokens.entries()) {
    for (const [i, centroid] of ofToken.entries()) {
      const rows = gains[Math.floor(token / LANES)];
      if (rows !== undefined) rows[centroids.indexOf(centroid) * LANES + (token % LANES)] = given[i] ?? 0;
    }
  }
  const cells = new Set(centroids.map((id) => cellOf(codebook.cells.offsets, id)));
  return {
    tokenCount: tokens.length,
    centroids: Uint16Array.from(centroids),
    gains,
    cutoffs: new Int16Array(tokens.length),
    cells: Uint16Array.from(cells).sort(),
    baseline: 0,
  };
}

function blockOf(cell: number, lists: readonly Uint32Array[]): CellBlock {
  const [first = 0, end = 0] = codebook.cells.offsets.subarray(cell, cell + 2);
  return { cell, bytes: encodeCellBlock(lists.slice(first, end)) };
}

function shuffled<T>(items: readonly T[], next: () => number): T[] {
  return items
    .map((item) => ({ item, key: next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

/** What the probe's lists in `cells` give. */
function expectedScores(made: Setup, cells: ReadonlySet<number>, pageCount: number): Int32Array {
  const tokens = made.tokens.map(({ centroids, gains }) =>
    centroids
      .map((id, i) => ({ id, pages: made.lists[id] ?? [], add: gains[i] ?? 0 }))
      .filter(({ id }) => cells.has(cellOf(codebook.cells.offsets, id))),
  );
  return reference.listScores(tokens, pageCount);
}

const setups = fc.record({
  seed: fc.integer(),
  pageCount: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 21, max: 3_000 })),
  tokenCount: fc.integer({ min: 1, max: 100 }),
  nprobe: fc.integer({ min: 1, max: 16 }),
});

describe("ListScan", () => {
  it("gives the scores and the order of the scalar references", () => {
    fc.assert(
      fc.property(setups, fc.nat(40), fc.boolean(), fc.boolean(), (shape, limit, masked, partial) => {
        const { pageCount } = shape;
        const made = setup(shape.seed, pageCount, shape.tokenCount, shape.nprobe);
        const blocks = partial ? made.blocks.slice(1) : made.blocks;
        const next = numbers(shape.seed + 1);
        const mask = masked ? Uint8Array.from({ length: pageCount }, () => (next() < 0.5 ? 1 : 0)) : undefined;
        const usedBefore = kernel.memory.usedBytes;
        const scan = new ListScan(kernel, codebook, pageCount);
        scan.add(made.probe, blocks);

        const scores = expectedScores(made, new Set(blocks.map(({ cell }) => cell)), pageCount);
        expect([...scan.scores()]).toEqual([...scores]);
        expect([...scan.topPositions(limit, mask)]).toEqual(reference.topPages(scores, mask, limit));
        for (const page of [0, pageCount - 1]) expect(scan.scoreOf(page)).toBe(scores[page] ?? 0);
        scan.release();
        expect(kernel.memory.usedBytes).toBe(usedBefore);
      }),
      { numRuns: 60 },
    );
  });

  it("gives the best pages by lowered scores as the scalar reference does", () => {
    fc.assert(
      fc.property(
        setups,
        fc.nat(40),
        fc.boolean(),
        fc.constantFrom(0.5, 0.05, 0.004),
        (shape, limit, masked, share) => {
          const { pageCount } = shape;
          const made = setup(shape.seed, pageCount, shape.tokenCount, shape.nprobe);
          const next = numbers(shape.seed + 1);
          const mask = masked ? Uint8Array.from({ length: pageCount }, () => (next() < 0.5 ? 1 : 0)) : undefined;
          const counts = Uint16Array.from({ length: pageCount }, () => 1 + Math.floor(65_535 * next() ** 6));
          const lengths = lengthsOf(counts, 2_048, share);
          const usedBefore = kernel.memory.usedBytes;
          const scan = new ListScan(kernel, codebook, pageCount);
          scan.add(made.probe, made.blocks);
          const expected = reference.topLoweredPages(scan.scores(), lengths.of, mask, limit);
          expect(scan.topLowered(limit, mask, lengths)).toEqual(expected);
          scan.release();
          expect(kernel.memory.usedBytes).toBe(usedBefore);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("lowers scores range after range of pages", () => {
    const pageCount = 70_003;
    const made = setup(12, pageCount, 20, 8);
    const next = numbers(13);
    const counts = Uint16Array.from({ length: pageCount }, () => 1 + Math.floor(700 * next()));
    const lengths = lengthsOf(counts, 2_048, 0.01);
    const scan = new ListScan(kernel, codebook, pageCount);
    scan.add(made.probe, made.blocks);
    for (const limit of [1, 100, 40_000]) {
      const expected = reference.topLoweredPages(scan.scores(), lengths.of, undefined, limit);
      expect(scan.topLowered(limit, undefined, lengths)).toEqual(expected);
    }
    scan.release();
  });

  it("asks what very long pages lose only if one may be among the best", () => {
    const lists = Array.from({ length: CENTROIDS }, () => Uint32Array.from({ length: 20 }, (_, page) => page));
    const scan = new ListScan(kernel, codebook, 20);
    scan.add(probeOf(1), [blockOf(0, lists)]);
    const counts = new Uint16Array(20).fill(3);
    // The loss of the last usual page is enough to rule out the one longer page, but not where it is needed to fill the list.
    counts[19] = 60_000;
    for (const [limit, isAsked] of [
      [19, false],
      [20, true],
    ] as const) {
      const lengths = lengthsOf(counts, 100, 1);
      const expected = reference.topLoweredPages(scan.scores(), lengths.of, undefined, limit);
      expect(scan.topLowered(limit, undefined, lengths)).toEqual(expected);
      expect(lengths.isWholeAsked()).toBe(isAsked);
    }
    scan.release();
  });

  it("counts lists that go on from one range of pages to the next", () => {
    const pageCount = 150_000;
    const made = setup(11, pageCount, 20, 8);
    const scan = new ListScan(kernel, codebook, pageCount);
    scan.add(made.probe, made.blocks);
    const everything = new Set(made.blocks.map(({ cell }) => cell));
    const scores = expectedScores(made, everything, pageCount);
    expect(scan.scores()).toEqual(scores);
    expect([...scan.topPositions(100)]).toEqual(reference.topPages(scores, undefined, 100));
    scan.release();
  });

  it("reads gaps of one to four bytes and pages at the very end", () => {
    const pageCount = 2 ** 21 + 2 ** 14 + 300;
    const pages = Uint32Array.of(0, 1, 128, 129, 300, 300 + 2 ** 14, 300 + 2 ** 14 + 1, pageCount - 1);
    const lists = Array.from({ length: CENTROIDS }, (_, id) => (id === 2 ? pages : Uint32Array.of()));
    const scan = new ListScan(kernel, codebook, pageCount);
    scan.add(probeOf(2), [blockOf(0, lists)]);
    expect([...scan.topPositions(20)]).toEqual([...pages]);
    scan.release();
  });

  it("adds the scores of a second probe", () => {
    const lists = Array.from({ length: CENTROIDS }, (_, id) => Uint32Array.of(id));
    const scan = new ListScan(kernel, codebook, 30);
    scan.add(probeOf(1), [blockOf(0, lists)]);
    scan.add(probeOf(1), [blockOf(0, lists)]);
    expect(scan.scoreOf(1)).toBe(20);
    scan.release();
  });

  it.each([
    ["names a page that is not there", [5], 5],
    ["breaks off inside a gap", [0x80], 100],
    ["has a gap of five bytes", [0x80, 0x80, 0x80, 0x80, 0x01], 100],
    ["passes the last page by small steps", [98, 0, 0, 0], 100],
  ])("refuses a list that %s", (_why, list, pageCount) => {
    const count = codebook.cells.offsets[1] ?? 0;
    const bytes = new Uint8Array(count * 4 + list.length);
    new Uint32Array(bytes.buffer, 0, count).fill(list.length);
    bytes.set(list, count * 4);
    const usedBefore = kernel.memory.usedBytes;
    const scan = new ListScan(kernel, codebook, pageCount);
    expect(() => scan.add(probeOf(0), [{ cell: 0, bytes }])).toThrowError(
      expect.objectContaining({ code: "corrupt_data" }),
    );
    scan.release();
    expect(kernel.memory.usedBytes).toBe(usedBefore);
  });

  it.each([
    ["ends before it begins", [8, 4, 4, 4], 8],
    ["ends beyond the block", [0, 9, 9, 9], 8],
    ["has no room for its ends", [], 0],
  ])("refuses a block whose list %s", (_why, ends, bytesAfter) => {
    const bytes = new Uint8Array(ends.length * 4 + bytesAfter);
    new Uint32Array(bytes.buffer, 0, ends.length).set(ends);
    const scan = new ListScan(kernel, codebook, 10);
    expect(() => scan.add(probeOf(1), [{ cell: 0, bytes }])).toThrowError(
      expect.objectContaining({ code: "corrupt_data" }),
    );
    scan.release();
  });

  it("gives every page 0 before anything is scanned, and when nothing is", () => {
    const scan = new ListScan(kernel, codebook, 30);
    expect([...scan.topPositions(5)]).toEqual([]);
    scan.add(probeOf(1), []);
    expect(scan.scores()).toEqual(new Int32Array(30));
    scan.release();
  });

  it("refuses more pages than lists can name", () => {
    expect(() => new ListScan(kernel, codebook, 2 ** 28 + 1)).toThrowError(
      expect.objectContaining({ code: "overloaded" }),
    );
  });
});

/** What pages of `counts` vectors lose, up to `usual` vectors or all, in steps of a logarithm's `share`. */
function lengthsOf(counts: Uint16Array, usual: number, share: number) {
  const penaltyOf = (count: number): number => Math.round(Math.log(1 + count) / share);
  let isAsked = false;
  return {
    stepsPerLogarithm: 1 / share,
    copyCounts: (first: number, target: Uint16Array) => target.set(counts.subarray(first, first + target.length)),
    penalties: (isWhole: boolean) => {
      isAsked ||= isWhole;
      return Int32Array.from({ length: isWhole ? 65_536 : usual }, (_, count) => penaltyOf(count));
    },
    of: Int32Array.from(counts, penaltyOf),
    isWholeAsked: () => isAsked,
  };
}

/** One token that looks up one centroid of cell 0, ten above its cut-off. */
function probeOf(centroid: number): Probe {
  return probeOfTokens([{ centroids: [centroid], gains: [10] }]);
}
