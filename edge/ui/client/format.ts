/**
 * Numbers as people read them.
 *
 * @module
 */

/** Beside words that are not the document's own. */
export const OCR_LABEL = "read by OCR";

const COUNT = new Intl.NumberFormat("en-US");

/** `12345` → `12,345`. */
export function formatCount(count: number): string {
  return COUNT.format(count);
}

/** `formatCount` and the right form of a regular English noun: `1 page`, `24 pages`. */
export function formatQuantity(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** Milliseconds: `0.4 ms`, `12 ms`, `3.2 s`. */
export function formatMs(ms: number): string {
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(1)} s`;
  return ms >= 10 || ms === 0 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`;
}

/** Bytes in binary units: `512 B`, `64 KiB`, `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024;
    unit++;
  }
  const digits = unit === 0 || value >= 10 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit] ?? "B"}`;
}

/** A document name as its folder (may be empty) and its last part. */
export function splitName(name: string): { folder: string; file: string } {
  const slash = name.lastIndexOf("/");
  return { folder: name.slice(0, slash + 1), file: name.slice(slash + 1) };
}
