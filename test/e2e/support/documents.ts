/**
 * Small documents made on the spot.
 *
 * @module
 */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import PDFDocument from "pdfkit";
import sharp from "sharp";

/** A PDF with one page per text. */
export async function writePdf(path: string, pages: readonly string[]): Promise<void> {
  const document = new PDFDocument({ autoFirstPage: false });
  const chunks: Buffer[] = [];
  document.on("data", (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise((resolve) => document.once("end", resolve));
  for (const text of pages) document.addPage().fontSize(14).text(text);
  document.end();
  await ended;
  await write(path, Buffer.concat(chunks));
}

/** A picture without any text. */
export async function writePng(path: string): Promise<void> {
  const picture = sharp({ create: { width: 80, height: 60, channels: 3, background: "teal" } });
  await write(path, await picture.png().toBuffer());
}

export async function write(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}
