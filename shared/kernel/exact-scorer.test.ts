import fc from "fast-check";
import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { exactGroupBests, exactTokenBest } from "./exact-scorer.ts";
import { KernelQuery } from "./kernel-query.ts";
import { Kernel } from "./kernel.ts";
import { material, shapes } from "./testing/material.ts";
import { compileKernel } from "./webassembly.ts";

let kernel: Kernel;
beforeAll(async () => {
  kernel = new Kernel(await compileKernel(await readFile(new URL("build/kernel.wasm", import.meta.url))));
});

describe("exactGroupBests", () => {
  it("gives what each group alone gives", () => {
    const groupOfVector = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(shapes, groupOfVector, (shape, pattern) => {
        const { query, exact } = material(shape);
        const kernelQuery = new KernelQuery(kernel, query, shape.tokenCount, shape.dim);
        const usedBefore = kernel.memory.usedBytes;
        // Some groups are empty, and some vectors are in none.
        const groups = Array.from({ length: 5 }, (_, group) =>
          Uint16Array.from(exact.scales.keys()).filter((vector) => pattern[vector % pattern.length] === group),
        );
        const expected = groups.flatMap((group) => [...exactTokenBest(kernelQuery, exact, group).scores]);
        expect([...exactGroupBests(kernelQuery, exact, groups)]).toEqual(expected);
        expect(kernel.memory.usedBytes).toBe(usedBefore);
        kernelQuery.release();
      }),
      { numRuns: 40 },
    );
  });

  it("takes no position that the page does not have", () => {
    const query = new KernelQuery(kernel, new Float32Array(16).fill(0.25), 1, 16);
    const page = { scales: Float32Array.of(1), values: new Int8Array(16) };
    expect(() => exactGroupBests(query, page, [Uint16Array.of(0), Uint16Array.of(1)])).toThrow(
      expect.objectContaining({ code: "corrupt_data" }),
    );
    query.release();
  });

  it("has no score for a group without vectors, not even of a token of zeros", () => {
    const query = new KernelQuery(kernel, new Float32Array(32).fill(0.25, 16), 2, 16);
    const page = { scales: Float32Array.of(1), values: new Int8Array(16).fill(1) };
    expect([...exactGroupBests(query, page, [new Uint16Array(), Uint16Array.of(0)])]).toEqual([
      -Infinity,
      -Infinity,
      0,
      expect.closeTo(4, 3),
    ]);
    query.release();
  });
});
