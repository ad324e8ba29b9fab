import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import { cornerPicture, inkBox, renderAll } from "./fixtures.ts";
import { PAGE_IMAGE_LONG_EDGE_PX } from "./limits.ts";
import { RenderPool } from "./render-pool.ts";

const pool = new RenderPool({ processes: 1 });
afterAll(() => pool.close());

/** A TIFF with several pictures; sharp writes one when it is given them as one tall page. */
async function multiPageTiff(pageCount: number, width: number, height: number): Promise<Buffer> {
  const shades = Array.from({ length: pageCount }, (_, i) => Buffer.alloc(width * height * 3, i * 40));
  const raw = { width, height: height * pageCount, channels: 3, pageHeight: height } as const;
  return sharp(Buffer.concat(shades), { raw }).tiff().toBuffer();
}

describe("an image file", () => {
  it.each(["png", "jpeg", "webp", "tiff"] as const)("of type %s is one page without text", async (format) => {
    const bytes = await cornerPicture(300, 200).toFormat(format).toBuffer();
    const pages = await renderAll(pool, `a.${format}`, bytes);
    expect(pages).toHaveLength(1);
    expect(pages[0]).toMatchObject({ pageNumber: 1, width: 300, height: 200, words: [], status: "no-text" });
    const ink = await inkBox(pages[0]?.image ?? new Uint8Array());
    expect(ink.map((edge) => Math.round(edge * 20) / 20)).toEqual([0, 0, 0.5, 0.5]);
  });

  it("is turned as its EXIF orientation says", async () => {
    const bytes = await cornerPicture(300, 200).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const [page] = await renderAll(pool, "a.jpg", bytes);
    expect(page).toMatchObject({ width: 200, height: 300 });
    const ink = await inkBox(page?.image ?? new Uint8Array());
    expect(ink.map((edge) => Math.round(edge * 20) / 20)).toEqual([0.5, 0, 1, 0.5]);
  });

  it("is made smaller, never larger", async () => {
    const [large] = await renderAll(pool, "a.png", await cornerPicture(3_200, 1_000).png().toBuffer());
    expect(await sharp(large?.image).metadata()).toMatchObject({ width: PAGE_IMAGE_LONG_EDGE_PX, height: 500 });
    const [small] = await renderAll(pool, "a.png", await cornerPicture(64, 32).png().toBuffer());
    expect(await sharp(small?.image).metadata()).toMatchObject({ width: 64, height: 32 });
  });

  it("shows white where it is transparent", async () => {
    const clear = sharp({ create: { width: 20, height: 20, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } });
    const [page] = await renderAll(pool, "a.png", await clear.png().toBuffer());
    const { data } = await sharp(page?.image).raw().toBuffer({ resolveWithObject: true });
    expect(Math.min(...data)).toBeGreaterThan(250);
  });

  it("of several pictures has as many pages", async () => {
    const pages = await renderAll(pool, "a.tiff", await multiPageTiff(3, 60, 40));
    expect(pages.map((page) => [page.pageNumber, page.width, page.height])).toEqual([
      [1, 60, 40],
      [2, 60, 40],
      [3, 60, 40],
    ]);
    const shades = await Promise.all(pages.map(async (page) => (await sharp(page.image).raw().toBuffer())[0] ?? 0));
    expect(shades.map((shade) => Math.round(shade / 40))).toEqual([0, 1, 2]);
  });

  it.each(["png", "jpeg", "tiff"] as const)("of type %s that breaks off is refused with the reason", async (format) => {
    const noise = Buffer.from(Array.from({ length: 120 * 120 * 3 }, (_, i) => (i * 7_919) % 251));
    const whole = await sharp(noise, { raw: { width: 120, height: 120, channels: 3 } })
      .toFormat(format)
      .toBuffer();
    await expect(renderAll(pool, "a", whole.subarray(0, whole.length >> 1))).rejects.toMatchObject({
      code: "file_unreadable",
      message: expect.stringContaining("cannot be decoded"),
    });
  });

  it("of too many pixels is refused before it is decoded", async () => {
    const width = 20_000;
    const bytes = await sharp({ create: { width, height: 9_000, channels: 3, background: "white" } })
      .png({ compressionLevel: 1 })
      .toBuffer();
    await expect(renderAll(pool, "huge.png", bytes)).rejects.toMatchObject({
      code: "file_too_large",
      message: expect.stringContaining("20000 × 9000 pixels"),
    });
  });
});
