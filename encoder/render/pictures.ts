/**
 * The two pictures kept of every page, both WebP.
 *
 * @module
 */
import sharp, { type Sharp } from "sharp";
import {
  MAX_THUMBNAIL_ASPECT,
  PAGE_IMAGE_LONG_EDGE_PX,
  PAGE_IMAGE_QUALITY,
  THUMBNAIL_QUALITY,
  THUMBNAIL_WIDTH_PX,
  WEBP_EFFORT,
} from "./limits.ts";

/** One thread a process: pages are drawn by several processes already. */
sharp.concurrency(1);
/** Every picture is used once. */
sharp.cache(false);

export interface Pictures {
  image: Uint8Array;
  thumbnail: Uint8Array;
  /** Set when they stand for a page that could not be drawn. */
  placeholder?: true;
}

/** The page image (never enlarged) and the thumbnail of `picture`; transparent parts become white. */
export async function makePictures(picture: Sharp): Promise<Pictures> {
  const { data, info } = await picture
    .flatten({ background: "white" })
    .resize(PAGE_IMAGE_LONG_EDGE_PX, PAGE_IMAGE_LONG_EDGE_PX, { fit: "inside", withoutEnlargement: true })
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  const raw = { width: info.width, height: info.height, channels: info.channels };
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
