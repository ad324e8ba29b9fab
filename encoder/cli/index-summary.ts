/**
 * An index in a line: what `maxleaf indexes` prints.
 *
 * @module
 */
import { liveDocumentCount, type Manifest, type SegmentEntry } from "../../shared/format/manifest.ts";
import { codebookDrift, RETRAIN_DRIFT } from "../indexing/codebook-drift.ts";
import { byteSize, table } from "./format.ts";

export type IndexSummary = ReturnType<typeof summaryOf>;

/** Deleted documents count in `pages` until their segment is rewritten. */
export function summaryOf(manifest: Manifest) {
  const { codebook, inverted, calibration, segments } = manifest;
  const total = (field: "pageCount" | "searchablePageCount" | "vectorCount" | "bytes") =>
    segments.reduce((sum: number, segment: SegmentEntry) => sum + segment[field], 0);
  const parts = [inverted, inverted?.lexical].flatMap((file) =>
    file === undefined ? [] : [file.bytes, ...file.parts],
  );
  const invertedBytes = parts.reduce((sum, bytes) => sum + bytes, 0);
  return {
    name: manifest.index,
    recipe: manifest.recipe.name,
    version: manifest.version,
    updatedAt: new Date(manifest.committedAtMs).toISOString(),
    documents: segments.reduce((sum, segment) => sum + liveDocumentCount(segment), 0),
    pages: total("pageCount"),
    searchablePages: total("searchablePageCount"),
    vectors: total("vectorCount"),
    bytes: total("bytes") + (codebook?.bytes ?? 0) + invertedBytes,
    /** Mean residual of all vectors, and of those that the codebook was trained on; their ratio. */
    codebook: codebook && {
      centroids: codebook.centroidCount,
      bytesPerVector: codebook.subspaces,
      trainedOnVectors: codebook.trainedOnVectors,
      trainedMeanResidual: codebook.meanResidualNorm,
      drift: codebookDrift(codebook, segments),
    },
    /** Pages that can be searched without holding anything of them in memory. */
    invertedPages: inverted?.pageCount ?? 0,
    calibratedAt: calibration && new Date(calibration.measuredAtMs).toISOString(),
  };
}

/** A table, and a line for every index that needs something done. */
export function indexTable(indexes: readonly IndexSummary[]): string {
  if (indexes.length === 0) return "no indexes yet: maxleaf ingest <folder> --index NAME\n";
  const rows = indexes.map((index) => [
    index.name,
    index.recipe,
    index.documents,
    index.pages,
    index.searchablePages,
    index.vectors,
    byteSize(index.bytes),
    index.codebook?.drift?.toFixed(2) ?? "-",
    index.updatedAt,
  ]);
  const header = ["index", "recipe", "documents", "pages", "searchable", "vectors", "size", "drift", "updated"];
  return table(header, rows) + indexes.map(driftWarning).join("");
}

function driftWarning({ name, codebook }: IndexSummary): string {
  if (codebook?.drift === undefined || codebook.drift <= RETRAIN_DRIFT) return "";
  return `${name} has drifted from its codebook: its vectors are ${codebook.drift.toFixed(2)} times as far from it as those it was trained on; maxleaf retrain --index ${name} mends it\n`;
}
