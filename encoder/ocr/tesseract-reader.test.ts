import { copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import { renderDocument } from "../render/render-pool.ts";
import { parseOcrLanguages } from "./languages.ts";
import { TesseractReader } from "./tesseract-reader.ts";

const TIMEOUT_MS = 120_000;
const languages = parseOcrLanguages("eng");
const reader = new TesseractReader({ languages, processes: 1 });
afterAll(() => reader.close());

const letter = join(import.meta.dirname, "../samples/pdf/keeper-letter-1931.pdf");

async function letterImage(): Promise<Uint8Array> {
  for await (const page of renderDocument({ name: "letter", bytes: await readFile(letter) })) return page.image;
  throw new Error("the letter has no page");
}

async function textPicture(lines: readonly string[]): Promise<Uint8Array> {
  const texts = lines.map((line, at) => `<text x="40" y="${80 + at * 60}" font-size="36">${line}</text>`).join("");
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="900" height="600" font-family="DejaVu Sans, Liberation Sans, sans-serif">${texts}</svg>`;
  return await sharp(Buffer.from(svg)).flatten({ background: "white" }).png().toBuffer();
}

describe("TesseractReader", { timeout: TIMEOUT_MS }, () => {
  it("reads a skewed, grainy scan in reading order, each word with its box and confidence", async () => {
    let ticks = 0;
    const clock = setInterval(() => ticks++, 20);
    const { words } = await reader.read(await letterImage());
    clearInterval(clock);
    const text = words.map((word) => word.text).join(" ");
    expect(text).toMatch(/^Cape Ellery Lighthouse 17 November 1931 To the Inspector of Lights/);
    expect(text).toContain("the steamer ASTRID of Bergen struck the Hen and Chickens in thick snow");
    expect(text).toMatch(/P\. Reus, Keeper$/);
    for (const { box, confidence } of words) {
      expect(box[0]).toBeLessThan(box[2]);
      expect(box[1]).toBeLessThan(box[3]);
      expect(Math.max(...box)).toBeLessThanOrEqual(1);
      expect(Math.min(...box)).toBeGreaterThanOrEqual(0);
      expect(confidence).toBeGreaterThanOrEqual(0.5);
    }
    // This thread went on meanwhile.
    expect(ticks).toBeGreaterThan(3);
  });

  it.each([90, 180, 270])(
    "reads a page that was turned by %d degrees, and says where the words are",
    async (degrees) => {
      const upright = await textPicture(["Herring swim in cold water", "and mackerel in warm"]);
      const { words } = await reader.read(await sharp(upright).rotate(degrees).png().toBuffer());
      expect(words.map((word) => word.text)).toContain("mackerel");
      const herring = words.find((word) => word.text === "Herring");
      // It stands at the upper left of the page as it was.
      const [x, y] = [
        ((herring?.box[0] ?? 0) + (herring?.box[2] ?? 0)) / 2,
        ((herring?.box[1] ?? 0) + (herring?.box[3] ?? 0)) / 2,
      ];
      const corner = { 90: [1, 0], 180: [1, 1], 270: [0, 1] }[degrees] ?? [];
      expect([Math.round(x), Math.round(y)]).toEqual(corner);
    },
  );

  it("finds nothing on a picture without text", async () => {
    const shapes = Buffer.from(
      `<svg xmlns="http://www.w3.org/2000/svg" width="400" height="400"><rect width="400" height="400" fill="#fff"/>
       <circle cx="120" cy="140" r="60" fill="#c33"/><path d="M40 300 Q200 200 360 300" stroke="#000" stroke-width="9" fill="none"/></svg>`,
    );
    expect((await reader.read(await sharp(shapes).webp().toBuffer())).words).toEqual([]);
  });

  it("fails on what is no picture, and reads the next", async () => {
    await expect(reader.read(Buffer.from("no picture"))).rejects.toMatchObject({ code: "file_unreadable" });
    const { words } = await reader.read(await textPicture(["Herring swim in cold water"]));
    expect(words.map((word) => word.text)).toEqual(["Herring", "swim", "in", "cold", "water"]);
  });

  it("gives a page up that takes too long, and reads the next with a new process", async () => {
    const hasty = new TesseractReader({ languages, processes: 1, pageTimeoutMs: 1 });
    try {
      await expect(hasty.read(await letterImage())).rejects.toMatchObject({
        code: "render_timeout",
        message: "it was not read after 0.001 s",
      });
      await expect(hasty.read(await letterImage())).rejects.toMatchObject({ code: "render_timeout" });
    } finally {
      hasty.close();
    }
  });

  it("reads several languages at once", async () => {
    const [english] = languages;
    const folder = await mkdtemp(join(tmpdir(), "maxleaf-language-"));
    await copyFile(join(english?.folder ?? "", "eng.traineddata.gz"), join(folder, "enx.traineddata.gz"));
    const both = new TesseractReader({ languages: [...languages, { code: "enx", folder }], processes: 1 });
    try {
      const { words } = await both.read(await textPicture(["Herring swim in cold water"]));
      expect(words.map((word) => word.text).join(" ")).toBe("Herring swim in cold water");
    } finally {
      both.close();
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("does not start with data that is none", async () => {
    const broken = new TesseractReader({ languages: [{ code: "eng", folder: import.meta.dirname }], processes: 1 });
    try {
      await expect(broken.read(await textPicture(["x"]))).rejects.toMatchObject({
        code: "model_unavailable",
        message: expect.stringMatching(/^scans cannot be read: /),
      });
    } finally {
      broken.close();
    }
  });

  it("reads nothing once it is closed, and ends what is under way", async () => {
    const closing = new TesseractReader({ languages, processes: 1 });
    const underWay = closing.read(await letterImage());
    setTimeout(() => closing.close(), 300);
    await expect(underWay).rejects.toThrow("the recogniser was ended");
    await expect(closing.read(await letterImage())).rejects.toMatchObject({ code: "internal" });
  });
});
