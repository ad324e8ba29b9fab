import fc from "fast-check";
import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { compileKernel, type KernelModule } from "../kernel/webassembly.ts";
import { seededRandom } from "../seeded-random.ts";
import { MemoryStore } from "../store/memory-store.ts";
import type { PageHit, SearchRequest } from "./contract.ts";
import { openIndex } from "./open-index.ts";
import type { Holding } from "./planner/holding.ts";
import { addSegment, coverSegments, createRandomIndex, type RandomIndex } from "./testing/random-index.ts";
import { below, randomQuery } from "./testing/random-material.ts";
import { referenceSearch } from "./testing/reference-search.ts";

/** Four cells of centroids: as many as are looked at for one token, wherever lists are. */
const shape = { dim: 32, subspaces: 8, centroidCount: 20 };
const SEGMENTS = 3;
const PAGES_PER_SEGMENT = 40;

let kernelModule: KernelModule;

beforeAll(async () => {
  kernelModule = await compileKernel(await readFile(new URL("../kernel/build/kernel.wasm", import.meta.url)));
});

/** Pages of 1 to `longest` vectors, more than any stage keeps; two segments of three have an inverted file where `holding` uses one. */
async function writeIndex(
  seed: number,
  lengthPrior: number | undefined,
  { holding = "bags", longest = 120, twins = false }: { holding?: Holding; longest?: number; twins?: boolean } = {},
): Promise<RandomIndex> {
  const random = seededRandom(seed);
  const index = await createRandomIndex(new MemoryStore(), "lengths", { ...shape, lengthPrior }, random);
  index.twins = twins;
  for (let segment = 0; segment < SEGMENTS; segment++) {
    if (holding !== "bags" && segment === SEGMENTS - 1) await coverSegments(index);
    const pages = Array.from({ length: PAGES_PER_SEGMENT }, () => 1 + below(random, longest));
    await addSegment(index, [{ name: `${segment}.pdf`, pages }]);
  }
  return index;
}

async function search(index: RandomIndex, request: SearchRequest, holding: Holding = "bags"): Promise<PageHit[]> {
  const opened = await openIndex({ store: index.store, index: index.name, kernelModule, holding });
  const { hits } = await opened.search(request);
  opened.close();
  return hits;
}

function ranking(hits: readonly PageHit[]) {
  return hits.map(({ documentId, pageNumber, score }) => ({ documentId, pageNumber, score }));
}

/** Of a hit, as it was written. */
function vectorCountOf(index: RandomIndex, { documentId, pageNumber }: PageHit): number {
  const written = index.pages.find((page) => page.document.id === documentId && page.pageNumber === pageNumber);
  return written?.codes.centroidIds.length ?? NaN;
}

describe("a search with a length prior", () => {
  it.each(["bags", "lists", "heads"] as const)(
    "equals the scalar reference where its first stages leave pages out, held as %s",
    async (holding) => {
      await fc.assert(
        fc.asyncProperty(
          fc.record({
            seed: fc.integer(),
            lengthPrior: fc.constantFrom(0.01, 0.03, 0.1, 0.5),
            tokenCount: fc.constantFrom(1, 7, 32, 40),
            candidates: fc.integer({ min: 3, max: 30 }),
            exact: fc.integer({ min: 0, max: 30 }),
            twins: fc.boolean(),
            filtered: fc.boolean(),
          }),
          async ({ seed, lengthPrior, tokenCount, candidates, exact, twins, filtered }) => {
            const index = await writeIndex(seed, lengthPrior, { holding, twins });
            const query = randomQuery(index.fingerprint, shape.dim, tokenCount, index.random);
            const documents = ["0.pdf", "2.pdf"].map(
              (name) => index.pages.find(({ document }) => document.name === name)?.document.id ?? "",
            );
            const filter = filtered ? { documents } : undefined;
            const request = { query, k: 3, candidates, exact, nprobe: shape.centroidCount, bare: true, filter };
            expect(ranking(await search(index, request, holding))).toEqual(referenceSearch(index, request, holding));
          },
        ),
        { numRuns: 15 },
      );
    },
  );

  it("says what it took off, in every path and stage", async () => {
    for (const holding of ["bags", "lists", "heads"] as const) {
      const index = await writeIndex(4, 0.05, { holding });
      const query = randomQuery(index.fingerprint, shape.dim, 20, index.random);
      for (const settings of [{ exact: 0 }, { candidates: 20 }, { accuracy: "exact" }, { bare: true }] as const) {
        const hits = await search(index, { query, k: 12, ...settings }, holding);
        expect(hits).toHaveLength(12);
        for (const hit of hits) {
          const expected = 0.05 * 20 * Math.log(1 + vectorCountOf(index, hit));
          expect(hit.lengthPenalty).toBeCloseTo(expected, 10);
        }
      }
    }
  });

  it("ranks by the sum of cosines less the length", async () => {
    const [without, index] = await Promise.all([writeIndex(9, undefined), writeIndex(9, 0.3)]);
    const query = randomQuery(index.fingerprint, shape.dim, 6, index.random);
    const all = { k: 1_000, accuracy: "exact", bare: true } as const;
    const plain = await search(without, { ...all, query: { ...query, recipeFingerprint: without.fingerprint } });
    expect(plain.some((hit) => "lengthPenalty" in hit)).toBe(false);
    const expected = plain
      .map((hit) => ({ ...hit, score: hit.score - 0.3 * 6 * Math.log(1 + vectorCountOf(without, hit)) }))
      .toSorted((a, b) => b.score - a.score);
    const found = await search(index, { ...all, query });
    expect(found.map(({ pageNumber, documentId }) => [documentId, pageNumber])).toEqual(
      expected.map(({ pageNumber, documentId }) => [documentId, pageNumber]),
    );
    expect(found.map(({ score }) => score)).toEqual(expected.map(({ score }) => expect.closeTo(score, 10)));
    expect(found.at(-1)?.score).toBeLessThan(0);
    // Longer pages come first without it: it is the length that changes the order.
    expect(ranking(found)).not.toEqual(ranking(plain));
  });

  it("changes nothing in what words alone say", async () => {
    const [without, index] = await Promise.all([writeIndex(2, undefined), writeIndex(2, 0.3)]);
    const query = randomQuery(index.fingerprint, shape.dim, 3, index.random);
    const request = { query, text: "word3 word7", mode: "lexical", k: 20 } as const;
    const hits = await search(index, request);
    expect(hits.length).toBeGreaterThan(0);
    expect(hits.some((hit) => "lengthPenalty" in hit)).toBe(false);
    const plain = await search(without, {
      ...request,
      query: { ...query, recipeFingerprint: without.fingerprint },
    });
    expect(ranking(hits)).toEqual(ranking(plain));
  });

  it("fuses scores that it left below 0", async () => {
    const index = await writeIndex(6, 1, { longest: 60 });
    const query = randomQuery(index.fingerprint, shape.dim, 4, index.random);
    const hits = await search(index, { query, text: "word3", mode: "hybrid", k: 40 });
    expect(hits).toHaveLength(40);
    for (const { score, scores } of hits) {
      expect(scores?.vectors).toBeLessThan(0);
      expect(score).toBeLessThanOrEqual(1);
    }
    const [first] = hits;
    const byVectors = await search(index, { query, k: 1 });
    expect(first?.scores?.vectors).toBeLessThanOrEqual(byVectors[0]?.score ?? NaN);
  });
});
