/**
 * Makes a clean document look scanned: pictures of its pages, a little askew, grey and grainy, and no text layer.
 *
 * @module
 */
import PDFDocument from "pdfkit";
import sharp from "sharp";
import { seededRandom } from "../../../shared/seeded-random.ts";
import { renderDocument } from "../../render/render-pool.ts";

/** Degrees. What a careless hand does to a sheet on the glass. */
const SKEW = 0.8;
const PAPER = { r: 236, g: 232, b: 222 };
const GRAIN = 12;
const SCAN_WIDTH_PX = 1_100;
const SEED = 1_931;

/** The pages of `pdf` as an image-only PDF. Equal input gives equal bytes. */
export async function scanned(pdf: Uint8Array, info: { title: string; date: Date }): Promise<Uint8Array> {
  const document = new PDFDocument({
    autoFirstPage: false,
    info: { Title: info.title, CreationDate: info.date, ModDate: info.date },
  });
  const chunks: Uint8Array[] = [];
  document.on("data", (chunk: Uint8Array) => chunks.push(chunk));
  const ended = new Promise((resolve) => document.on("end", resolve));
  for await (const page of renderDocument({ name: info.title, bytes: pdf })) {
    document.addPage({ size: [page.width, page.height], margin: 0 });
    document.image(await scanPage(page.image), 0, 0, { width: page.width, height: page.height });
  }
  document.end();
  await ended;
  return Buffer.concat(chunks);
}

async function scanPage(image: Uint8Array): Promise<Buffer> {
  const { data, info } = await sharp(image)
    .resize(SCAN_WIDTH_PX)
    .rotate(SKEW, { background: "white" })
    .blur(0.6)
    .greyscale()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const random = seededRandom(SEED);
  const grainy = Buffer.alloc(info.width * info.height * 3);
  for (let i = 0; i < info.width * info.height; i++) {
    const ink = (data[i * info.channels] ?? 255) / 255;
    // The sum of two throws: most grains are faint.
    const grain = (random.next() + random.next() - 1) * GRAIN;
    grainy[i * 3] = clampByte(PAPER.r * (0.14 + 0.86 * ink) + grain);
    grainy[i * 3 + 1] = clampByte(PAPER.g * (0.14 + 0.86 * ink) + grain);
    grainy[i * 3 + 2] = clampByte(PAPER.b * (0.15 + 0.85 * ink) + grain);
  }
  return sharp(grainy, { raw: { width: info.width, height: info.height, channels: 3 } })
    .jpeg({ quality: 62 })
    .toBuffer();
}

function clampByte(value: number): number {
  return Math.min(255, Math.max(0, Math.round(value)));
}
