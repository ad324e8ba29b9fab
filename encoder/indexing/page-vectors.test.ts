import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EncodedPage } from "../../shared/page.ts";
import { checkEncodedPage, dequantizeInto, quantizeVectors } from "./page-vectors.ts";
import { dot, encodedPage, topicVectors } from "./testing.ts";

describe("quantizeVectors", () => {
  it("keeps every vector to a cosine above .9999", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20 }), fc.constantFrom(16, 128, 384), fc.integer(), (count, dim, seed) => {
        const vectors = topicVectors({ count, dim, topics: 7, spread: 0.5, seed });
        const restored = { values: new Float32Array((count + 1) * dim), count: count + 1, dim };
        dequantizeInto(restored, 1, quantizeVectors(vectors));
        for (let row = 0; row < count; row++) {
          const length = Math.sqrt(dot(restored.values, row + 1, restored.values, row + 1, dim));
          expect(dot(vectors.values, row, restored.values, row + 1, dim) / length).toBeGreaterThan(0.9999);
          expect(length).toBeCloseTo(1, 2);
        }
      }),
    );
  });

  it("keeps a vector of zeros", () => {
    const exact = quantizeVectors({ values: new Float32Array(8), count: 2, dim: 4 });
    expect(Array.from(exact.scales)).toEqual([0, 0]);
    expect(exact.values.every((value) => value === 0)).toBe(true);
  });
});

describe("checkEncodedPage", () => {
  const vectors = topicVectors({ count: 3, dim: 8, topics: 3, spread: 0, seed: 1 });
  const page = encodedPage(vectors, 4);

  it("accepts a page with vectors and one without", () => {
    const blank = encodedPage({ values: new Float32Array(), count: 0, dim: 8 }, 1);
    for (const accepted of [page, blank]) expect(() => checkEncodedPage(accepted, 8)).not.toThrow();
  });

  it.each<[string, Partial<EncodedPage>, string]>([
    ["values that are too few", { vectors: page.vectors.subarray(1) }, "23 values for 3 vectors of 8"],
    [
      "a number that is not finite",
      { vectors: page.vectors.map((value, at) => (at === 5 ? NaN : value)) },
      "no finite number",
    ],
    ["vectors on an unsearchable page", { status: "no-text" }, 'the status "no-text" and 3 vectors'],
    [
      "too few regions",
      { geometry: { ...page.geometry, regionOfVector: new Uint16Array(2) } },
      "2 regions for 3 vectors",
    ],
  ])("refuses %s, naming the page", (_, change, message) => {
    expect(() => checkEncodedPage({ ...page, ...change }, 8)).toThrow(`the encoder gave page 4`);
    expect(() => checkEncodedPage({ ...page, ...change }, 8)).toThrow(message);
  });
});
