/**
 * The two pictures kept of every page, both WebP.
 *
 * @module
 */
import sharp, { type ResizeOptions, type Sharp } from "sharp";
import type { PagePicture } from "../models/model.ts";
import {
  MAX_THUMBNAIL_ASPECT,
  PAGE_IMAGE_LONG_EDGE_PX,
  PAGE_IMAGE_QUALITY,
  THUMBNAIL_QUALITY,
  THUMBNAIL_WIDTH_PX,
  WEBP_EFFORT,
} from "./limits.ts";

const CHANNELS = 3;

/** One thread a process: pages are drawn by several processes already. */
sharp.concurrency(1);
/** Every picture is used once. */
sharp.cache(false);

export interface Pictures {
  image: Uint8Array;
  thumbnail: Uint8Array;
  /** Set when they stand for a page that could not be drawn. */
  placeholder?: true;
  picture?: PagePicture;
}

/**
 * The page image and the thumbnail of `source`, and its raw picture if a long edge is given (at least that of the page image).
 * None is enlarged; transparent parts become white.
 */
export async function makePictures(source: Sharp, pictureLongEdgePx?: number): Promise<Pictures> {
  const flat = source.flatten({ background: "white" });
  if (pictureLongEdgePx === undefined) return await makeImages(await toRgb(fitInside(flat, PAGE_IMAGE_LONG_EDGE_PX)));
  // Without the JPEG decoder's own shrinking, which is coarser.
  const longEdgePx = Math.max(pictureLongEdgePx, PAGE_IMAGE_LONG_EDGE_PX);
  const picture = await toRgb(fitInside(flat, longEdgePx, { fastShrinkOnLoad: false }));
  const forImage = sharp(picture.data, { raw: rawOf(picture) });
  return { ...(await makeImages(await toRgb(fitInside(forImage, PAGE_IMAGE_LONG_EDGE_PX)))), picture };
}

function fitInside(source: Sharp, longEdgePx: number, options: ResizeOptions = {}): Sharp {
  return source.resize(longEdgePx, longEdgePx, { fit: "inside", withoutEnlargement: true, ...options });
}

/** Eight bits of red, green and blue, whatever the source has. */
async function toRgb(source: Sharp): Promise<PagePicture> {
  const { data, info } = await source
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (data.length !== width * height * channels || channels < 1) {
    throw new RangeError(`expected ${width} × ${height} pixels of ${channels} bytes but got ${data.length} bytes`);
  }
  if (channels === CHANNELS) return { width, height, data };
  // Grey, or grey with an alpha that is opaque by now.
  const rgb = new Uint8Array(width * height * CHANNELS);
  for (let i = 0; i < rgb.length; i++) rgb[i] = data[Math.floor(i / CHANNELS) * channels] ?? 0;
  return { width, height, data: rgb };
}

function rawOf({ width, height }: PagePicture) {
  return { width, height, channels: CHANNELS } as const;
}

async function makeImages(page: PagePicture): Promise<Pick<Pictures, "image" | "thumbnail">> {
  const raw = rawOf(page);
  const { data } = page;
  const [image, thumbnail] = await Promise.all([
    sharp(data, { raw }).webp({ quality: PAGE_IMAGE_QUALITY, effort: WEBP_EFFORT }).toBuffer(),
    sharp(data, { raw })
      .resize(THUMBNAIL_WIDTH_PX, THUMBNAIL_WIDTH_PX * MAX_THUMBNAIL_ASPECT, {
        fit: "inside",
        withoutEnlargement: true,
      })
      .webp({ quality: THUMBNAIL_QUALITY, effort: WEBP_EFFORT })
      .toBuffer(),
  ]);
  return { image, thumbnail };
}

/** Stands for a page that could not be drawn: a blank page of its shape, crossed out. */
export async function makePlaceholder(size: { width: number; height: number }): Promise<Pictures> {
  const scale = PAGE_IMAGE_LONG_EDGE_PX / Math.max(size.width, size.height);
  const width = Math.max(1, Math.round(size.width * scale));
  const height = Math.max(1, Math.round(size.height * scale));
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <rect width="100%" height="100%" fill="#f4f4f5"/>
    <path d="M0 0 L${width} ${height} M${width} 0 L0 ${height}" stroke="#d4d4d8" stroke-width="3"/></svg>`;
  return { ...(await makePictures(sharp(Buffer.from(svg)))), placeholder: true };
}
