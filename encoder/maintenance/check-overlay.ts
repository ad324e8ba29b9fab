/**
 * Whether the overlay of a manifest is what it says.
 *
 * @module
 */
import { readOverlay } from "../../shared/format/overlay.ts";
import { layout } from "../../shared/store/layout.ts";
import type { CheckedIndex } from "./check-segments.ts";
import { examine, type Finding } from "./finding.ts";

/** It is read whole, so its checksum is verified, whether or not a deep check was asked for. Errors: `store_unavailable`. */
export async function checkOverlay({ store, index, manifest }: CheckedIndex): Promise<Finding[]> {
  const { overlay } = manifest;
  if (overlay === undefined) return [];
  const read = await examine(async () => await readOverlay(store, index, overlay));
  if ("value" in read) return [];
  return [
    {
      severity: "error",
      problem: read.problem,
      meaning: `the index cannot be opened, neither to search nor to change it; lost is at most what the metadata of ${overlay.documents} documents was changed to`,
      mend: `bring back ${layout.overlay(index, overlay.id)} from a copy of the bucket; or maxleaf update --index ${index} --discard, which gives documents the metadata back that their segments have`,
    },
  ];
}
