/**
 * Pixels against `golden/pillow.json`, which Pillow and numpy made (see `golden/make.py`): equal to the last bit.
 */
import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import golden from "./golden/pillow.json" with { type: "json" };
import { patchPixels, smartResize, tokenGrid } from "./patches.ts";
import { type ResizeKernel, resizePicture } from "./resample.ts";
import { noSquashedPixels, squashedPixels } from "./squash.ts";
import { sha256, testPicture } from "./testing.ts";
import { noTilePixels, tileGrid, tileMask, tilePixels } from "./tiles.ts";

function floats(data: BigInt64Array | Float32Array): Float32Array {
  if (data instanceof Float32Array) return data;
  throw new TypeError("expected floats");
}

const sizeOf = ([width = 0, height = 0]: readonly number[]): [number, number] => [width, height];

function kernelOf(name: string): ResizeKernel {
  return name === "bicubic" ? name : "lanczos";
}

describe("the test picture", () => {
  it.each(golden.pictures)("of $size is the one of make.py", ({ size, sha256: expected }) => {
    expect(sha256(testPicture(...sizeOf(size)).data)).toBe(expected);
  });
});

describe("resizePicture", () => {
  it.each(golden.resizes)(
    "from $from to $to by $kernel gives Pillow's bytes",
    ({ from, to, kernel, sha256: bytes }) => {
      const resized = resizePicture(testPicture(...sizeOf(from)), ...sizeOf(to), kernelOf(kernel));
      expect(sha256(resized.data)).toBe(bytes);
    },
  );

  it("keeps a picture of one colour, whatever the sizes", () => {
    const side = fc.integer({ min: 1, max: 40 });
    const colour = fc.uint8Array({ minLength: 3, maxLength: 3 });
    const kernels = fc.constantFrom<ResizeKernel>("bicubic", "lanczos");
    fc.assert(
      fc.property(side, side, side, side, colour, kernels, (width, height, toWidth, toHeight, rgb, kernel) => {
        const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => rgb[i % 3] ?? 0);
        const resized = resizePicture({ width, height, data }, toWidth, toHeight, kernel);
        expect(resized.data).toHaveLength(toWidth * toHeight * 3);
        expect(resized.data.every((value, i) => value === rgb[i % 3])).toBe(true);
      }),
    );
  });

  // Measured on a text page in shared/design/models.md; the test picture is harder, hence the room.
  it.each([
    ["bicubic", "cubic", 448, 448],
    ["lanczos", "lanczos3", 362, 512],
  ] as const)("is near sharp where both shrink, by %s", async (kernel, sharpKernel, width, height) => {
    const picture = testPicture(827, 1170);
    const raw = { width: picture.width, height: picture.height, channels: 3 } as const;
    const bySharp = await sharp(picture.data, { raw })
      .resize(width, height, { fit: "fill", kernel: sharpKernel, fastShrinkOnLoad: false })
      .raw()
      .toBuffer();
    const { data } = resizePicture(picture, width, height, kernel);
    const difference = data.reduce((sum, value, i) => sum + Math.abs(value - (bySharp[i] ?? 0)), 0) / data.length;
    expect(difference).toBeGreaterThan(0);
    expect(difference).toBeLessThan(1.5);
  });
});

describe("ColPali's square", () => {
  it.each(golden.squashed)("of $size", ({ size, sha256: expected }) => {
    const pixels = squashedPixels(testPicture(...sizeOf(size)));
    expect(pixels.dims).toEqual([3, 448, 448]);
    expect(sha256(floats(pixels.data))).toBe(expected);
  });

  it("is all zeros for a question", () => {
    expect(noSquashedPixels().dims).toEqual([3, 448, 448]);
    expect(floats(noSquashedPixels().data).every((value) => value === 0)).toBe(true);
  });
});

describe("Qwen2-VL's patches", () => {
  it.each(golden.patched)("of $size", ({ size, grid, sha256: expected }) => {
    const { pixelValues, gridThw } = patchPixels(testPicture(...sizeOf(size)));
    const [, rows = 0, columns = 0] = grid;
    expect(Array.from(gridThw.data, Number)).toEqual(grid);
    expect(pixelValues.dims).toEqual([rows * columns, 1176]);
    expect(sha256(floats(pixelValues.data))).toBe(expected);
  });

  // shared/design/models.md 2c.
  it("are 23 × 32 tokens of A4 at 200 dpi and 24 × 31 of Letter", () => {
    expect(smartResize({ width: 1654, height: 2339 })).toEqual({ width: 644, height: 896 });
    expect(tokenGrid({ width: 1654, height: 2339 })).toEqual({ columns: 23, rows: 32 });
    expect(tokenGrid({ width: 1700, height: 2200 })).toEqual({ columns: 24, rows: 31 });
  });

  it("are between 4 and 768 tokens of any picture", () => {
    const side = fc.integer({ min: 1, max: 30_000 });
    fc.assert(
      fc.property(side, side, (width, height) => {
        fc.pre(Math.max(width, height) / Math.min(width, height) <= 200);
        const { columns, rows } = tokenGrid({ width, height });
        expect(columns * rows).toBeGreaterThanOrEqual(4);
        expect(columns * rows).toBeLessThanOrEqual(768);
        // What is sent to a server at this size must stay as it is there.
        const resized = smartResize({ width, height });
        if (Math.max(columns, rows) / Math.min(columns, rows) <= 200) expect(smartResize(resized)).toEqual(resized);
      }),
    );
  });

  it("are refused of a strip", () => {
    expect(() => smartResize({ width: 30_000, height: 10 })).toThrow(
      expect.objectContaining({ code: "file_unreadable", message: expect.stringContaining("30000 × 10") }),
    );
  });
});

describe("Idefics3's tiles", () => {
  it.each(golden.tiled)("of $size", ({ size, rows, columns, sha256: expected }) => {
    const picture = testPicture(...sizeOf(size));
    expect(tileGrid(picture)).toMatchObject({ rows, columns });
    const pixels = tilePixels(picture);
    expect(pixels.dims).toEqual([rows * columns + 1, 3, 512, 512]);
    expect(sha256(floats(pixels.data))).toBe(expected);
  });

  // Counted by DeskRAG with ColIdefics3Processor (test/onnx.geometry.test.ts).
  it.each([
    [1280, 800, 13],
    [1920, 1080, 13],
    [2560, 1600, 13],
    [1024, 768, 13],
    [800, 600, 13],
    [3840, 2160, 13],
    [512, 512, 17],
    [1280, 1024, 17],
  ])("are as many of %i × %i as the reference makes", (width, height, tiles) => {
    const { rows, columns } = tileGrid({ width, height });
    expect(rows * columns + 1).toBe(tiles);
  });

  it("are 4 rows of 3 of A4, which stands", () => {
    expect(tileGrid({ width: 1654, height: 2339 })).toMatchObject({ rows: 4, columns: 3 });
    expect(tileGrid({ width: 2339, height: 1654 })).toMatchObject({ rows: 3, columns: 4 });
  });

  it("are at most 4 × 4 of any picture", () => {
    const side = fc.integer({ min: 1, max: 30_000 });
    fc.assert(
      fc.property(side, side, (width, height) => {
        const { rows, columns, scaled, tiled } = tileGrid({ width, height });
        for (const count of [rows, columns]) expect([1, 2, 3, 4]).toContain(count);
        expect(Math.max(scaled.width, scaled.height)).toBe(2048);
        expect(tiled).toEqual({ width: columns * 512, height: rows * 512 });
      }),
    );
  });

  it("are one of zeros for a question", () => {
    expect(noTilePixels().dims).toEqual([1, 3, 512, 512]);
    expect(tileMask(2).dims).toEqual([2, 512, 512]);
    expect(tileMask(1).data.every((bit) => bit === 1n)).toBe(true);
  });
});
