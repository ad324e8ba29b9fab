import fc from "fast-check";
import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import type { CellBlock } from "../format/inverted/contract.ts";
import { encodeCellBlock } from "../format/inverted/cell-block.ts";
import { Kernel, type KernelCodebook } from "./kernel.ts";
import { ListScan, type PenaltyBounds, VISITED_PAGES } from "./list-scan.ts";
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

  it("visits the pages above bounds and a rising floor, as the scalar reference finds them", () => {
    const rising = fc.array(fc.integer({ min: -200, max: 3_000 }), { maxLength: 6 });
    fc.assert(
      fc.property(setups, rising, fc.boolean(), fc.constantFrom(0, 1, 40), (shape, floors, masked, step) => {
        const { pageCount } = shape;
        const made = setup(shape.seed, pageCount, shape.tokenCount, shape.nprobe);
        const next = numbers(shape.seed + 1);
        const mask = masked ? Uint8Array.from({ length: pageCount }, () => (next() < 0.5 ? 1 : 0)) : undefined;
        const bounds = {
          shortest: Uint8Array.from({ length: Math.ceil(pageCount / 16) }, () => Math.floor(256 * next())),
          penalties: Int32Array.from({ length: 256 }, (_, count) => step * count),
        };
        const usedBefore = kernel.memory.usedBytes;
        const scan = new ListScan(kernel, codebook, pageCount);
        scan.add(made.probe, made.blocks);
        floors.sort((a, b) => a - b);
        expect(visited(scan, bounds, mask, floors)).toEqual(expectedVisits(scan.scores(), bounds, mask, floors));
        scan.release();
        expect(kernel.memory.usedBytes).toBe(usedBefore);
      }),
      { numRuns: 100 },
    );
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

/** What `scan` hands over, visit by visit, with `floors` from then on, one after the other. */
function visited(
  scan: ListScan,
  bounds: PenaltyBounds,
  mask: Uint8Array | undefined,
  floors: readonly number[],
): number[][] {
  const visits: number[][] = [];
  const scores = scan.scores();
  scan.visitAbove(bounds, mask, (positions, given) => {
    expect(Int32Array.from(given)).toEqual(scores);
    visits.push([...positions]);
    return floors[Math.min(visits.length, floors.length) - 1] ?? Number.NEGATIVE_INFINITY;
  });
  return visits;
}

/** What {@link visited} should be. */
function expectedVisits(
  scores: Int32Array,
  { shortest, penalties }: PenaltyBounds,
  mask: Uint8Array | undefined,
  floors: readonly number[],
): number[][] {
  const boundOf = Int32Array.from(scores, (_, page) => penalties[shortest[page >> 4] ?? 0] ?? 0);
  const visits: number[][] = [];
  for (let first = 0, floor = Number.NEGATIVE_INFINITY; ;) {
    const from = reference.pagesAbove(scores, boundOf, mask, floor).filter((page) => page >= first);
    const positions = from.slice(0, VISITED_PAGES);
    if (positions.length > 0) visits.push(positions);
    if (positions.length < VISITED_PAGES) return visits;
    first = (positions.at(-1) ?? 0) + 1;
    floor = floors[Math.min(visits.length, floors.length) - 1] ?? Number.NEGATIVE_INFINITY;
  }
}

/** One token that looks up one centroid of cell 0, ten above its cut-off. */
function probeOf(centroid: number): Probe {
  return probeOfTokens([{ centroids: [centroid], gains: [10] }]);
}
