/**
 * Sets the sample documents: a thin layer over pdfkit with one typography for all of them. The same input gives the same
 * bytes: dates are fixed, and pdfkit makes its ids from them.
 *
 * @module
 */
import { createRequire } from "node:module";
import PDFDocument from "pdfkit";

const require = createRequire(import.meta.url);
const SERIF = "@expo-google-fonts/source-serif-4";
const SANS = "@expo-google-fonts/source-sans-3";
const FONT_FILES = {
  serif: `${SERIF}/400Regular/SourceSerif4_400Regular.ttf`,
  "serif-italic": `${SERIF}/400Regular_Italic/SourceSerif4_400Regular_Italic.ttf`,
  "serif-bold": `${SERIF}/600SemiBold/SourceSerif4_600SemiBold.ttf`,
  sans: `${SANS}/400Regular/SourceSans3_400Regular.ttf`,
  "sans-bold": `${SANS}/600SemiBold/SourceSans3_600SemiBold.ttf`,
} as const;

export type Face = keyof typeof FONT_FILES;

export const COLOUR = {
  ink: "#1f2933",
  soft: "#52606d",
  rule: "#cbd2d9",
  wash: "#f1f5f8",
  navy: "#12344d",
  teal: "#0f766e",
  amber: "#c2610c",
  rose: "#9f1239",
} as const;

export const MARGIN = 62;
const BODY_SIZE = 11.5;
/** Below a tenth of an em: readers of PDF text take wider gaps for spaces. */
const KICKER_SPACING = 0.7;

export interface PressOptions {
  title: string;
  /** Fixed, so that the file is. */
  date: Date;
  /** Points, width × height; default A4. */
  size?: [number, number];
  /** Printed at the foot of every page after the first `coverPages`. */
  footer?: string;
  coverPages?: number;
}

/** One document being set. */
export class Press {
  readonly doc: PDFKit.PDFDocument;
  readonly #options: PressOptions;
  readonly #chunks: Uint8Array[] = [];
  readonly #done: Promise<void>;

  constructor(options: PressOptions) {
    this.#options = options;
    this.doc = new PDFDocument({
      size: options.size ?? "A4",
      margins: { top: MARGIN, bottom: MARGIN, left: MARGIN, right: MARGIN },
      bufferPages: true,
      lang: "en",
      info: {
        Title: options.title,
        Author: "Port Ellery (imaginary)",
        CreationDate: options.date,
        ModDate: options.date,
      },
    });
    for (const [face, file] of Object.entries(FONT_FILES)) this.doc.registerFont(face, require.resolve(file));
    this.#done = new Promise((resolve, reject) => {
      this.doc.on("data", (chunk: Uint8Array) => this.#chunks.push(chunk));
      this.doc.on("end", resolve);
      this.doc.on("error", reject);
    });
    this.doc.fillColor(COLOUR.ink);
  }

  get left(): number {
    return this.doc.page.margins.left;
  }

  get width(): number {
    return this.doc.page.width - this.doc.page.margins.left - this.doc.page.margins.right;
  }

  newPage(): void {
    this.doc.addPage();
  }

  /** Leaves `points` of room. */
  space(points: number): void {
    this.doc.y += points;
  }

  title(text: string, kicker?: string): void {
    if (kicker !== undefined) {
      // Greek capitals lose their accents; to the other languages here it makes no difference.
      const capitals = kicker.toLocaleUpperCase("el");
      this.#set("sans-bold", 9.5, COLOUR.teal).text(capitals, { characterSpacing: KICKER_SPACING });
    }
    this.space(kicker === undefined ? 0 : 4);
    this.#set("serif-bold", 24, COLOUR.navy).text(text, { lineGap: 1 });
    this.space(12);
  }

  heading(text: string): void {
    this.space(6);
    this.#set("serif-bold", 14.5, COLOUR.navy).text(text);
    this.space(5);
  }

  subheading(text: string): void {
    this.space(2);
    this.#set("sans-bold", 10.5, COLOUR.teal).text(text);
    this.space(2);
  }

  lead(text: string): void {
    this.#set("serif-italic", 12.5, COLOUR.soft).text(text, { lineGap: 3.5 });
    this.space(12);
  }

  paragraph(text: string, options: PDFKit.Mixins.TextOptions = {}): void {
    this.#set("serif", BODY_SIZE, COLOUR.ink).text(text, { lineGap: 3, ...options });
    this.space(8);
  }

  small(text: string, options: PDFKit.Mixins.TextOptions = {}): void {
    this.#set("sans", 9, COLOUR.soft).text(text, { lineGap: 1.5, ...options });
    this.space(8);
  }

  bullets(items: readonly string[]): void {
    for (const item of items) {
      const top = this.doc.y;
      this.doc.circle(this.left + 4, top + BODY_SIZE * 0.62, 1.9).fill(COLOUR.teal);
      this.#set("serif", BODY_SIZE, COLOUR.ink).text(item, this.left + 15, top, { width: this.width - 15, lineGap: 3 });
      this.space(4);
    }
    this.doc.x = this.left;
    this.space(4);
  }

  /** Figures that stand out, side by side. */
  keyFigures(figures: readonly { value: string; label: string }[]): void {
    const gap = 12;
    const width = (this.width - gap * (figures.length - 1)) / figures.length;
    const top = this.doc.y;
    for (const [i, figure] of figures.entries()) {
      const x = this.left + i * (width + gap);
      this.doc.roundedRect(x, top, width, 62, 5).fill(COLOUR.wash);
      this.#set("serif-bold", 19, COLOUR.teal).text(figure.value, x + 12, top + 10, { width: width - 24 });
      this.#set("sans", 9, COLOUR.soft).text(figure.label, x + 12, top + 38, { width: width - 24 });
    }
    this.doc.x = this.left;
    this.doc.y = top + 62 + 16;
  }

  /** A line of text at a place, without moving the cursor. */
  label(text: string, x: number, y: number, options: LabelOptions = {}): void {
    const { x: oldX, y: oldY } = this.doc;
    const { face = "sans", size = 9, colour = COLOUR.ink, ...rest } = options;
    this.#set(face, size, colour).text(text, x, y, { lineBreak: false, ...rest });
    this.doc.x = oldX;
    this.doc.y = oldY;
  }

  /** The finished file. */
  async finish(): Promise<Uint8Array> {
    this.#printFooters();
    this.doc.end();
    await this.#done;
    return Buffer.concat(this.#chunks);
  }

  #printFooters(): void {
    const { footer, coverPages = 0 } = this.#options;
    if (footer === undefined) return;
    const { start, count } = this.doc.bufferedPageRange();
    for (let i = coverPages; i < count; i++) {
      this.doc.switchToPage(start + i);
      // pdfkit breaks the page when text reaches into the margin.
      this.doc.page.margins.bottom = 0;
      const y = this.doc.page.height - 40;
      this.doc
        .moveTo(this.left, y - 7)
        .lineTo(this.left + this.width, y - 7)
        .lineWidth(0.5)
        .stroke(COLOUR.rule);
      this.label(footer, this.left, y, { size: 8.5, colour: COLOUR.soft });
      this.label(String(i + 1), this.left, y, { size: 8.5, colour: COLOUR.soft, width: this.width, align: "right" });
    }
  }

  #set(face: Face, size: number, colour: string): PDFKit.PDFDocument {
    return this.doc.font(face).fontSize(size).fillColor(colour);
  }
}

export interface LabelOptions extends PDFKit.Mixins.TextOptions {
  face?: Face;
  size?: number;
  colour?: string;
}
