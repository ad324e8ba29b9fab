/**
 * A page's picture made ready for the recogniser: grey, of the size that reads best, its lines level.
 *
 * @module
 */
import sharp from "sharp";
import { MaxleafError } from "../../shared/errors.ts";
import type { Box } from "../render/words/geometry.ts";
import { MAX_OCR_PICTURE_PIXELS, OCR_LONG_EDGE_PX, OCR_MAX_ENLARGEMENT } from "./limits.ts";
import { type GreyPicture, skewOf } from "./skew.ts";

/** Long edge of the copy that skew is measured on: lines of 8-point text are 8 pixels apart. */
const SKEW_LONG_EDGE_PX = 1_000;

export interface PreparedPicture {
  grey: GreyPicture;
  /** Degrees that the picture was turned by, clockwise. */
  turned: number;
  /** A box in pixels of `grey` as fractions 0…1 of the picture that was given. */
  toPage: (box: Box) => Box;
}

/** Errors: `file_too_large`; others are sharp's. */
export async function preparePicture(picture: Uint8Array): Promise<PreparedPicture> {
  const { width, height } = await sharp(picture).metadata();
  if (width * height > MAX_OCR_PICTURE_PIXELS) {
    throw new MaxleafError("file_too_large", `a picture of ${width} × ${height} pixels is too large to be read`);
  }
  const longEdge = Math.min(OCR_LONG_EDGE_PX, Math.max(width, height) * OCR_MAX_ENLARGEMENT);
  const grey = sharp(picture).flatten({ background: "white" }).greyscale();
  const scaled = await grey.resize(longEdge, longEdge, { fit: "inside" }).raw().toBuffer({ resolveWithObject: true });
  const raw = { width: scaled.info.width, height: scaled.info.height, channels: scaled.info.channels };
  const turned = -(await measureSkew(scaled.data, raw));
  const level = await sharp(scaled.data, { raw })
    .rotate(turned, { background: "white" })
    .greyscale()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return {
    grey: { width: level.info.width, height: level.info.height, data: level.data },
    turned,
    toPage: (box) => turnBack(box, turned, level.info, raw),
  };
}

async function measureSkew(data: Uint8Array, raw: { width: number; height: number; channels: 1 | 2 | 3 | 4 }) {
  const small = await sharp(data, { raw })
    .resize(SKEW_LONG_EDGE_PX, SKEW_LONG_EDGE_PX, { fit: "inside", withoutEnlargement: true })
    .greyscale()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return skewOf({ width: small.info.width, height: small.info.height, data: small.data });
}

/** `prepared` upside down. */
export function turnedOver({ grey, turned, toPage }: PreparedPicture): PreparedPicture {
  const { width, height, data } = grey;
  return {
    grey: { width, height, data: data.toReversed() },
    turned: turned + 180,
    toPage: ([left, top, right, bottom]) => toPage([width - right, height - bottom, width - left, height - top]),
  };
}

/** `picture` as a binary PGM file, which tesseract's library reads without decoding. */
export function toPgm({ width, height, data }: GreyPicture): Buffer {
  return Buffer.concat([Buffer.from(`P5\n${width} ${height}\n255\n`), data]);
}

interface Size {
  width: number;
  height: number;
}

/** `box` in a picture of `size` turned about its middle: the box around it in the picture before, as fractions. */
function turnBack(box: Box, degrees: number, turned: Size, before: Size): Box {
  const angle = (-degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  // The middle of the box is turned and its size kept: a box around turned corners would reach into the next lines.
  const x = (box[0] + box[2] - turned.width) / 2;
  const y = (box[1] + box[3] - turned.height) / 2;
  const middleX = x * cos - y * sin + before.width / 2;
  const middleY = x * sin + y * cos + before.height / 2;
  const halfWidth = (box[2] - box[0]) / 2;
  const halfHeight = (box[3] - box[1]) / 2;
  return [
    fraction(middleX - halfWidth, before.width),
    fraction(middleY - halfHeight, before.height),
    fraction(middleX + halfWidth, before.width),
    fraction(middleY + halfHeight, before.height),
  ];
}

function fraction(pixels: number, extent: number): number {
  return Math.min(1, Math.max(0, pixels / extent));
}
