import { describe, expect, it } from "vitest";
import { type EncodedPage, NO_REGION } from "../../../shared/page.ts";
import { joinRows, withoutPlace } from "./window-vectors.ts";

describe("joinRows", () => {
  it("puts rows below one another", () => {
    const page = joinRows([new Float32Array([1, 2]), new Float32Array(), new Float32Array([3, 4, 5, 6])], 2);
    expect(page).toEqual({ vectorCount: 3, vectors: new Float32Array([1, 2, 3, 4, 5, 6]) });
  });
});

describe("withoutPlace", () => {
  it("keeps the vectors that sit nowhere", () => {
    const page: EncodedPage = {
      pageNumber: 1,
      width: 1,
      height: 1,
      status: "searchable",
      vectorCount: 3,
      vectors: new Float32Array([1, 2, 3, 4, 5, 6]),
      geometry: {
        kind: "words",
        boxes: new Uint16Array(4),
        columns: 0,
        rows: 0,
        regionOfVector: Uint16Array.of(NO_REGION, 0, NO_REGION),
      },
      text: "a",
    };
    expect(withoutPlace(page)).toEqual(new Float32Array([1, 2, 5, 6]));
    expect(withoutPlace({ ...page, vectorCount: 0, vectors: new Float32Array() })).toEqual(new Float32Array());
  });
});
