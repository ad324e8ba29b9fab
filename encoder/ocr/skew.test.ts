import { describe, expect, it } from "vitest";
import sharp from "sharp";
import { preparePicture } from "./prepare-picture.ts";
import { skewOf } from "./skew.ts";

const LINES = Array.from({ length: 14 }, (_, line) => 60 + line * 40);

/** A page of black bars like lines of text, turned clockwise. */
async function page(degrees: number): Promise<Buffer> {
  const bars = LINES.map((y, at) => `<rect x="60" y="${y}" width="${420 - (at % 4) * 40}" height="14"/>`).join("");
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="540" height="680"><rect width="540" height="680" fill="white"/>${bars}</svg>`;
  return await sharp(Buffer.from(svg)).rotate(degrees, { background: "white" }).png().toBuffer();
}

async function measured(degrees: number): Promise<number> {
  const { data, info } = await sharp(await page(degrees))
    .greyscale()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return skewOf({ width: info.width, height: info.height, data });
}

describe("skewOf", () => {
  it.each([-3, -1.2, 0, 0.8, 2.4])("finds %d degrees", async (degrees) => {
    expect(Math.abs((await measured(degrees)) - degrees)).toBeLessThanOrEqual(0.2);
  });

  it("finds none where there are no lines", () => {
    expect(skewOf({ width: 20, height: 20, data: new Uint8Array(400).fill(255) })).toBe(0);
    expect(skewOf({ width: 0, height: 0, data: new Uint8Array(0) })).toBe(0);
  });
});

describe("preparePicture", () => {
  it("levels the lines, and says where a box was before", async () => {
    const tilted = await page(2);
    const { grey, turned, toPage } = await preparePicture(tilted);
    expect(turned).toBeCloseTo(-2, 0);
    expect(Math.abs(skewOf(grey))).toBeLessThanOrEqual(0.2);
    // The ink of a bar's middle in the level picture is ink at the same place of the page as given.
    const rows = Array.from({ length: grey.height }, (_, y) => grey.data[y * grey.width + (grey.width >> 1)] ?? 255);
    const top = rows.findIndex((value) => value < 128);
    const [left, up, right, down] = toPage([grey.width / 2 - 4, top + 8, grey.width / 2 + 4, top + 16]);
    const given = await sharp(tilted).greyscale().raw().toBuffer({ resolveWithObject: true });
    const x = Math.round(((left + right) / 2) * given.info.width);
    const y = Math.round(((up + down) / 2) * given.info.height);
    expect(given.data[(y * given.info.width + x) * given.info.channels]).toBeLessThan(128);
  });

  it("refuses a picture that no page image can be", async () => {
    const huge = await sharp({ create: { width: 9_000, height: 5_000, channels: 3, background: "white" } })
      .png({ compressionLevel: 1 })
      .toBuffer();
    await expect(preparePicture(huge)).rejects.toMatchObject({ code: "file_too_large" });
  });
});
