import { describe, expect, it } from "vitest";
import { cellsAt } from "../../../shared/format/cells.ts";
import { randomCodebook } from "../../../shared/engine/testing/random-material.ts";
import { testRecipe } from "../../../shared/recipe/testing.ts";
import { seededRandom } from "../../../shared/seeded-random.ts";
import { BestPages } from "./best-pages.ts";
import { PageMaker } from "./page-maker.ts";
import type { CodedPool } from "./pool.ts";

const DIM = 16;
const SUBSPACES = 8;
const CENTROIDS = 20;
const PAGES = 12;
const PAGE_VECTORS = 30;

/** Vector v has the code bytes and the values v % 256 throughout, so that what was put together can be told apart. */
function pool(): CodedPool {
  const random = seededRandom(3);
  const shape = { dim: DIM, subspaces: SUBSPACES, centroidCount: CENTROIDS };
  const codebook = randomCodebook("codebook", "fingerprint", shape, random);
  const count = PAGES * PAGE_VECTORS;
  return {
    recipe: testRecipe({ dim: DIM }),
    codebook: { ...codebook, cells: cellsAt(codebook, Uint32Array.of(0, 5, 10, 15, 20)) },
    pageOffsets: Uint32Array.from({ length: PAGES + 1 }, (_, page) => page * PAGE_VECTORS),
    centroidIds: Uint16Array.from({ length: count }, () => Math.floor(random.next() * CENTROIDS)),
    codes: Uint8Array.from({ length: count * SUBSPACES }, (_, i) => Math.floor(i / SUBSPACES)),
    values: Int8Array.from({ length: count * DIM }, (_, i) => Math.floor(i / DIM)),
    scale: 0.01,
    meanResidualNorm: 0.3,
  };
}

describe("PageMaker", () => {
  const source = pool();
  const maker = new PageMaker(source, 1);
  const membersOf = (centroid: number) =>
    new Set(Array.from(source.centroidIds.keys()).filter((vector) => source.centroidIds[vector] === centroid));

  it("makes the same page from the same number, and others from others", () => {
    expect(new PageMaker(source, 1).page(7)).toEqual(maker.page(7));
    expect(maker.page(8)).not.toEqual(maker.page(7));
    expect(new PageMaker(source, 2).page(7)).not.toEqual(maker.page(7));
  });

  it("gives every vector two halves of real vectors of its centroid, the same ones in codes and values", () => {
    for (let number = 0; number < 50; number++) {
      const { codes, exact } = maker.page(number);
      const count = codes.centroidIds.length;
      expect([codes.codes.length, exact.values.length, exact.scales.length]).toEqual([
        count * SUBSPACES,
        count * DIM,
        count,
      ]);
      codes.centroidIds.forEach((centroid, vector) => {
        const members = new Set([...membersOf(centroid)].map((member) => member % 256));
        for (const half of [0, 1]) {
          const part = codes.codes.subarray((vector + half / 2) * SUBSPACES, (vector + (half + 1) / 2) * SUBSPACES);
          const values = exact.values.subarray((vector + half / 2) * DIM, (vector + (half + 1) / 2) * DIM);
          expect(new Set(part).size).toBe(1);
          expect(members).toContain(part[0]);
          expect(new Set(values)).toEqual(new Set(Int8Array.from(part)));
        }
      });
    }
  });

  it("keeps sizes and the popularity of centroids", () => {
    const pages = Array.from({ length: 2_000 }, (_, number) => maker.page(number));
    const total = pages.reduce((sum, page) => sum + page.codes.centroidIds.length, 0);
    expect(total / pages.length).toBeCloseTo(PAGE_VECTORS, 0);
    const seen = new Float64Array(CENTROIDS);
    for (const { codes } of pages) for (const centroid of codes.centroidIds) seen[centroid] = (seen[centroid] ?? 0) + 1;
    for (let centroid = 0; centroid < CENTROIDS; centroid++) {
      const real = membersOf(centroid).size / source.centroidIds.length;
      // Runs have the middle of a page more often than its ends: with 18 vectors of a centroid that shows.
      expect((seen[centroid] ?? 0) / total / real).toBeGreaterThan(0.75);
      expect((seen[centroid] ?? 0) / total / real).toBeLessThan(1.25);
    }
  });
});

describe("BestPages", () => {
  it("keeps what sorting would", () => {
    const random = seededRandom(5);
    const offered = Array.from({ length: 500 }, (_, page) => ({ page, score: Math.floor(random.next() * 50) }));
    const best = new BestPages(7);
    for (const { page, score } of offered) best.offer(page, score);
    expect(best.list()).toEqual(offered.toSorted((a, b) => b.score - a.score || a.page - b.page).slice(0, 7));
    expect(new BestPages(3).list()).toEqual([]);
  });
});
