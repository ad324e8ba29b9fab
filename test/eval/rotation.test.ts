import { describe, expect, it } from "vitest";
import { seededRandom } from "../../shared/seeded-random.ts";
import { polarFactor } from "./rotation.ts";

const DIM = 16;

describe("polarFactor", () => {
  it("is orthogonal, and gives back the rotation of a stretched rotation", () => {
    const random = seededRandom(5);
    const rotation = polarFactor(
      Float64Array.from({ length: DIM * DIM }, () => random.next() - 0.5),
      DIM,
    );
    for (let a = 0; a < DIM; a++) {
      for (let b = 0; b < DIM; b++) {
        let product = 0;
        for (let i = 0; i < DIM; i++) product += (rotation[a * DIM + i] ?? 0) * (rotation[b * DIM + i] ?? 0);
        expect(product).toBeCloseTo(a === b ? 1 : 0, 9);
      }
    }
    // D·R = R·(RᵀDR): a rotation times a positive symmetric matrix.
    const stretched = rotation.map((value, at) => value * (1 + Math.floor(at / DIM)));
    polarFactor(stretched, DIM).forEach((value, at) => expect(value).toBeCloseTo(rotation[at] ?? 0, 9));
  });
});
