/**
 * A page as the encoder hands it to the index: vectors, and where each sits on the page.
 *
 * @module
 */
import type { GeometryKind } from "./recipe/recipe.ts";

/** Coordinates are fractions of the page's width or height, as u16: 0 is the left or top edge, 65,535 the other. */
export const COORDINATE_MAX = 65_535;

/** In `regionOfVector`: the vector sits nowhere (a prompt token, a global tile). */
export const NO_REGION = 0xffff;

/** `words`: boxes of the words of the page text, in order. `regions`: boxes of anything. `grid`: patch cells, no boxes. */
export interface PageGeometry {
  kind: GeometryKind;
  /** `[regions, 4]`: x0, y0, x1, y1 in {@link COORDINATE_MAX} units of the page as shown (rotation applied). Empty for `grid`. */
  boxes: Uint16Array;
  /** Cells of a `grid`, row-major, region = row · columns + column; both 0 otherwise. */
  columns: number;
  rows: number;
  /** `[vectors]`: the region each vector sits in, or {@link NO_REGION}. */
  regionOfVector: Uint16Array;
}

/** Why a page has no vectors. It is stored and shown all the same. */
export const pageStatuses = ["searchable", "no-text"] as const;
export type PageStatus = (typeof pageStatuses)[number];

/** Where the words of a page come from: its text layer, or its picture, read by OCR. */
export const textSources = ["layer", "ocr"] as const;
export type TextSource = (typeof textSources)[number];

/** One encoded page. `vectors` is `[vectorCount, dim]`, every row of length 1. */
export interface EncodedPage {
  /** 1-based, as a PDF viewer counts. */
  pageNumber: number;
  /** As shown, in points (1/72 inch) or pixels: only their ratio matters. */
  width: number;
  height: number;
  status: PageStatus;
  vectorCount: number;
  vectors: Float32Array;
  geometry: PageGeometry;
  /** The page's words in reading order, joined by single spaces; word i of `words` geometry is the i-th of them. */
  text: string;
  /** Absent: `layer`. */
  textSource?: TextSource | undefined;
}

/** A document as the index knows it. */
export interface DocumentEntry {
  /** See `documentIdOf`. */
  id: string;
  name: string;
  /** See `newRevision`: content hash of the source and a nonce. Part of the keys of its source and images. */
  revision: string;
  /** Media type of the source. */
  contentType: string;
  sourceBytes: number;
  pageCount: number;
  addedAtMs: number;
  /** Filterable fields. */
  metadata: Record<string, string>;
}
