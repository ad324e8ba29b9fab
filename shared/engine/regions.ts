/**
 * Boxes and words of a page's regions.
 *
 * @module
 */
import { COORDINATE_MAX, NO_REGION, type PageGeometry } from "../page.ts";

/** x0, y0, x1, y1 as fractions of the page. */
export type Box = [number, number, number, number];

/** Decimal places of a box: a tenth of a thousandth of a page is under a pixel at any size that is shown. */
const BOX_PLACES = 4;

export function regionCount(geometry: PageGeometry): number {
  return geometry.kind === "grid" ? geometry.columns * geometry.rows : geometry.boxes.length / 4;
}

export function boxOf(geometry: PageGeometry, region: number): Box {
  if (geometry.kind === "grid") {
    const column = region % geometry.columns;
    const row = Math.floor(region / geometry.columns);
    return [
      round(column / geometry.columns, BOX_PLACES),
      round(row / geometry.rows, BOX_PLACES),
      round((column + 1) / geometry.columns, BOX_PLACES),
      round((row + 1) / geometry.rows, BOX_PLACES),
    ];
  }
  const side = (i: number): number => round((geometry.boxes[region * 4 + i] ?? 0) / COORDINATE_MAX, BOX_PLACES);
  return [side(0), side(1), side(2), side(3)];
}

/** Where `vector` sits; undefined when nowhere. */
export function regionOf(geometry: PageGeometry, vector: number): number | undefined {
  const region = geometry.regionOfVector[vector] ?? NO_REGION;
  return region === NO_REGION ? undefined : region;
}

/** Words of the page by region; empty unless regions are words. */
export function wordsOf(geometry: PageGeometry, text: string): string[] {
  return geometry.kind === "words" && text !== "" ? text.split(" ") : [];
}

export function round(value: number, places: number): number {
  const unit = 10 ** places;
  return Math.round(value * unit) / unit;
}
