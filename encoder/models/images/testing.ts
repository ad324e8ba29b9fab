/**
 * Pictures for tests: the same as `golden/make.py` makes.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { PagePicture } from "../model.ts";

/** Smooth, noisy and sharp-edged all at once. */
export function testPicture(width: number, height: number): PagePicture {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let channel = 0; channel < 3; channel++) {
        const smooth = Math.floor((x * 5 + y * 3 + channel * 71) / 4);
        const noise = (x * x * 7 + y * y * 11 + x * y * (channel + 3)) % 97;
        const edge = ((Math.floor(x / 9) + Math.floor(y / 5)) % 2) * 90;
        data[at++] = (smooth + noise + edge) % 256;
      }
    }
  }
  return { width, height, data };
}

export function sha256(values: Uint8Array | Float32Array): string {
  return createHash("sha256")
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest("hex");
}
