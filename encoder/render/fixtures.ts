/**
 * Documents for the tests of rendering, made on the spot.
 *
 * @module
 */
import PDFDocument from "pdfkit";
import sharp, { type Sharp } from "sharp";
import type { RenderPool } from "./render-pool.ts";
import type { RenderedPage } from "./rendered-page.ts";

/** A PDF made with pdfkit; `draw` begins on its first page. */
export async function makePdf(
  draw: (doc: PDFKit.PDFDocument) => void,
  options: PDFKit.PDFDocumentOptions = {},
): Promise<Uint8Array> {
  const doc = new PDFDocument({ size: [400, 300], margin: 40, ...options });
  const chunks: Uint8Array[] = [];
  doc.on("data", (chunk: Uint8Array) => chunks.push(chunk));
  const ended = new Promise((resolve) => doc.on("end", resolve));
  draw(doc);
  doc.end();
  await ended;
  return Buffer.concat(chunks);
}

/** A PDF of one page per text. */
export function textPdf(texts: readonly string[], options: PDFKit.PDFDocumentOptions = {}): Promise<Uint8Array> {
  return makePdf(
    (doc) => {
      for (const text of texts) doc.addPage().text(text);
    },
    { autoFirstPage: false, ...options },
  );
}

/** A PDF written by hand: `objects` are numbered from 1, the first is the catalog. */
export function rawPdf(objects: readonly string[]): Uint8Array {
  let body = "%PDF-1.7\n";
  const offsets = objects.map((object, i) => {
    const offset = body.length;
    body += `${i + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(offset).padStart(10, "0")} 00000 n \n`;
  });
  const table = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.join("")}`;
  const trailer = `trailer\n<< /Root 1 0 R /Size ${objects.length + 1} >>\nstartxref\n${body.length}\n%%EOF\n`;
  return Buffer.from(body + table + trailer, "latin1");
}

/** A hand-written PDF of one page with a content stream in Helvetica; `pageEntries` go into the page dictionary. */
export function onePagePdf(content: string, pageEntries = "/MediaBox [0 0 400 300]"): Uint8Array {
  return rawPdf([
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    `<< /Type /Page /Parent 2 0 R ${pageEntries} /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> >>`,
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
  ]);
}

/** A picture of `width` × `height` with a black quarter at the top left. */
export function cornerPicture(width: number, height: number): Sharp {
  const corner = { create: { width: width >> 1, height: height >> 1, channels: 3, background: "black" } } as const;
  return sharp({ create: { width, height, channels: 3, background: "white" } }).composite([
    { input: corner, left: 0, top: 0 },
  ]);
}

/** All pages of a document. */
export async function renderAll(pool: RenderPool, name: string, bytes: Uint8Array): Promise<RenderedPage[]> {
  return collect(await pool.open({ name, bytes }));
}

export async function collect(pages: AsyncIterable<RenderedPage>): Promise<RenderedPage[]> {
  const collected: RenderedPage[] = [];
  for await (const page of pages) collected.push(page);
  return collected;
}

export function textOf(page: RenderedPage | undefined): string {
  return page?.words.map((word) => word.text).join(" ") ?? "";
}

/** Where the dark pixels of a picture are: left, top, right, bottom as fractions, like the box of a word. */
export async function inkBox(image: Uint8Array): Promise<[number, number, number, number]> {
  const { data, info } = await sharp(image).greyscale().raw().toBuffer({ resolveWithObject: true });
  const box: [number, number, number, number] = [1, 1, 0, 0];
  for (let y = 0; y < info.height; y++) {
    for (let x = 0; x < info.width; x++) {
      if ((data[(y * info.width + x) * info.channels] ?? 255) > 128) continue;
      box[0] = Math.min(box[0], x / info.width);
      box[1] = Math.min(box[1], y / info.height);
      box[2] = Math.max(box[2], (x + 1) / info.width);
      box[3] = Math.max(box[3], (y + 1) / info.height);
    }
  }
  return box;
}
