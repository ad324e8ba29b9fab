/**
 * The raw picture of a page, for models that look at pages.
 */
import { crc32, deflateSync } from "node:zlib";
import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import type { PagePicture } from "../models/model.ts";
import { collect, cornerPicture, makePdf, rawPdf } from "./fixtures.ts";
import { MAX_SOURCE_PIXELS, PAGE_IMAGE_LONG_EDGE_PX } from "./limits.ts";
import { RenderPool } from "./render-pool.ts";

const LONG_EDGE_PX = 2_339;

const pool = new RenderPool({ processes: 1 });
afterAll(() => pool.close());

async function render(bytes: Uint8Array) {
  return collect(await pool.open({ name: "a", bytes }, { pictureLongEdgePx: LONG_EDGE_PX }));
}

async function pictureOf(bytes: Uint8Array): Promise<PagePicture> {
  const [page] = await render(bytes);
  if (page?.picture === undefined) throw new Error("the page has no picture");
  expect(page.picture.data).toHaveLength(page.picture.width * page.picture.height * 3);
  return page.picture;
}

/** Red, green and blue at a point given in fractions. */
function colourAt({ width, height, data }: PagePicture, x: number, y: number): number[] {
  const at = (Math.floor(y * height) * width + Math.floor(x * width)) * 3;
  return [...data.subarray(at, at + 3)];
}

describe("the picture of a PDF page", () => {
  it("is drawn as large as asked for, and the page image as always", async () => {
    const [page] = await render(
      await makePdf((doc) => doc.rect(0, 0, 297, 421).fill("#ff8000"), { size: "A4", margin: 0 }),
    );
    expect(page?.picture?.height).toBeGreaterThanOrEqual(LONG_EDGE_PX - 1);
    expect(page?.picture?.height).toBeLessThanOrEqual(LONG_EDGE_PX);
    expect(page?.picture?.width).toBe(1_653);
    expect(page?.picture && colourAt(page.picture, 0.25, 0.25)).toEqual([255, 128, 0]);
    expect(page?.picture && colourAt(page.picture, 0.75, 0.75)).toEqual([255, 255, 255]);
    expect((await sharp(page?.image).metadata()).height).toBe(PAGE_IMAGE_LONG_EDGE_PX);
  });

  it("is not there unless asked for", async () => {
    const [page] = await collect(await pool.open({ name: "a", bytes: await makePdf((doc) => doc.text("hello")) }));
    expect(page).not.toHaveProperty("picture");
  });

  it("is missing when the page cannot be drawn, and the page says why", async () => {
    const pages = "<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 >>";
    const whole = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 40 30] >>";
    const [first, second] = await render(rawPdf(["<< /Type /Catalog /Pages 2 0 R >>", pages, whole, "7"]));
    expect(first).toMatchObject({ picture: { width: 160, height: 120 } });
    expect(second?.picture).toBeUndefined();
    expect(second?.problem?.reason).toContain("page 2");
  });
});

describe("the picture of an image file", () => {
  it("is the file's own pixels where it is not larger than asked for", async () => {
    const picture = await pictureOf(await cornerPicture(60, 40).png().toBuffer());
    expect(picture).toMatchObject({ width: 60, height: 40 });
    expect([...picture.data]).toEqual([...(await cornerPicture(60, 40).removeAlpha().raw().toBuffer())]);
  });

  it("is made smaller, and turned as its EXIF orientation says", async () => {
    const turned = await cornerPicture(4_000, 1_000).withMetadata({ orientation: 6 }).jpeg().toBuffer();
    const picture = await pictureOf(turned);
    expect(picture).toMatchObject({ width: 585, height: LONG_EDGE_PX });
    expect(Math.max(...colourAt(picture, 0.75, 0.25))).toBeLessThan(8);
    expect(Math.min(...colourAt(picture, 0.25, 0.25))).toBeGreaterThan(247);
  });

  it("may be a single pixel", async () => {
    const [page] = await render(await cornerPicture(2, 2).resize(1, 1).png().toBuffer());
    expect(page).toMatchObject({ width: 1, height: 1, picture: { width: 1, height: 1 } });
  });

  it("may be a strip of 30,000 × 10", async () => {
    const [page] = await render(await cornerPicture(30_000, 10).png().toBuffer());
    expect(page).toMatchObject({ width: 30_000, height: 10, picture: { width: LONG_EDGE_PX, height: 1 } });
    expect(await sharp(page?.image).metadata()).toMatchObject({ width: PAGE_IMAGE_LONG_EDGE_PX, height: 1 });
  });

  it("has eight bits of a file with sixteen", async () => {
    // 0xc000 and 0x4000 in every channel: left and right half.
    const values = new Uint16Array(20 * 10 * 3).map((_, i) => (Math.floor(i / 3) % 20 < 10 ? 0xc0_00 : 0x40_00));
    const deep = await sharp(values, { raw: { width: 20, height: 10, channels: 3 } })
      .toColourspace("rgb16")
      .png()
      .toBuffer();
    expect((await sharp(deep).metadata()).depth).toBe("ushort");
    const picture = await pictureOf(deep);
    expect(colourAt(picture, 0.25, 0.5)).toEqual([0xc0, 0xc0, 0xc0]);
    expect(colourAt(picture, 0.75, 0.5)).toEqual([0x40, 0x40, 0x40]);
  });

  it("has the colours of a file in CMYK", async () => {
    const red = sharp({ create: { width: 20, height: 10, channels: 3, background: { r: 200, g: 20, b: 30 } } });
    const cmyk = await red.toColourspace("cmyk").jpeg({ quality: 100 }).toBuffer();
    expect((await sharp(cmyk).metadata()).space).toBe("cmyk");
    const [r = 0, g = 0, b = 0] = colourAt(await pictureOf(cmyk), 0.5, 0.5);
    // There and back through two colour profiles.
    expect(Math.abs(r - 200)).toBeLessThan(25);
    expect(Math.abs(g - 20)).toBeLessThan(40);
    expect(Math.abs(b - 30)).toBeLessThan(40);
  });

  it.each([
    [
      "grey",
      sharp({ create: { width: 8, height: 8, channels: 3, background: "#505050" } })
        .greyscale()
        .png(),
    ],
    [
      "half transparent",
      sharp({ create: { width: 8, height: 8, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0.5 } } }).png(),
    ],
    [
      "of a palette",
      sharp({ create: { width: 8, height: 8, channels: 3, background: "#505050" } }).png({ palette: true }),
    ],
  ])("is red, green and blue of a file that is %s", async (name, file) => {
    const [r = 0, g = 0, b = 0] = colourAt(await pictureOf(await file.toBuffer()), 0.5, 0.5);
    expect([g, b]).toEqual([r, r]);
    expect(Math.abs(r - (name === "half transparent" ? 0x80 : 0x50))).toBeLessThan(2);
  });

  it("is the first of an animation", async () => {
    const frames = Buffer.concat([Buffer.alloc(16 * 8 * 3, 10), Buffer.alloc(16 * 8 * 3, 240)]);
    const animation = await sharp(frames, { raw: { width: 16, height: 16, channels: 3, pageHeight: 8 } })
      .webp({ lossless: true })
      .toBuffer();
    expect((await sharp(animation).metadata()).pages).toBe(2);
    const pages = await render(animation);
    expect(pages).toHaveLength(1);
    expect(pages[0]).toMatchObject({ width: 16, height: 8 });
    expect(pages[0]?.picture && colourAt(pages[0].picture, 0.5, 0.5)).toEqual([10, 10, 10]);
  });

  it("is refused beyond the limit, by name, before anything is decoded", async () => {
    expect(20_000 * 10_000).toBeGreaterThan(MAX_SOURCE_PIXELS);
    await expect(render(pngHead(20_000, 10_000))).rejects.toMatchObject({
      code: "file_too_large",
      message: expect.stringContaining(`20000 × 10000 pixels; the limit is ${MAX_SOURCE_PIXELS}`),
    });
  });
});

/** A PNG that says its size and has one row of pixels. */
function pngHead(width: number, height: number): Uint8Array {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  // Eight bits of grey.
  head.set([8, 0, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", head), chunk("IDAT", deflateSync(Buffer.alloc(width + 1)))]);
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(type), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
