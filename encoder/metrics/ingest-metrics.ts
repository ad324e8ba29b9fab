/**
 * What ingestions of this process do, counted.
 *
 * @module
 */
import type { IngestObserver } from "../ingest/observer.ts";
import { EventRate } from "./event-rate.ts";
import { countBy, lookedAt, secondsBy, underWay } from "./registry.ts";

/** A page is drawn in .1 s and a codebook of 65,536 centroids trained in minutes. */
const STAGE_BUCKETS_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_200];

const countPages = countBy(
  {
    name: "maxleaf_ingest_pages_total",
    help: "Pages that are encoded and whose images are stored, by whether they can be found.",
  },
  "outcome",
  ["searchable", "without_text"],
);
const countDocuments = countBy(
  {
    name: "maxleaf_ingest_documents_total",
    help: "Documents done with. Those added or replaced are in the index after the next commit.",
  },
  "outcome",
  ["added", "replaced", "unchanged", "failed"],
);
const observeStage = secondsBy(
  {
    name: "maxleaf_ingest_stage_duration_seconds",
    help: "Time of each piece of a stage: a page, a batch of pages (encode), or a commit. Pieces overlap.",
  },
  "stage",
  STAGE_BUCKETS_SECONDS,
);
const rate = new EventRate();
lookedAt({ name: "maxleaf_ingest_pages_per_second", help: "Pages a second over the last minute." }, () =>
  rate.perSecond(),
);

/** Counts an ingestion while it runs. */
export const whileRunning = underWay({ name: "maxleaf_ingest_running", help: "Ingestions under way." });

/** `observer`, with all that it is told counted too. */
export function counted(observer: IngestObserver = {}): IngestObserver {
  return {
    onCommit: (progress) => observer.onCommit?.(progress),
    onCommitted: (file) => observer.onCommitted?.(file),
    onWarning: (message, cause) => observer.onWarning?.(message, cause),
    onPage: (file, page, pageCount, searchable) => {
      countPages(searchable ? "searchable" : "without_text");
      rate.add();
      observer.onPage?.(file, page, pageCount, searchable);
    },
    onFile: (file, outcome) => {
      countDocuments(outcome);
      observer.onFile?.(file, outcome);
    },
    onStage: (stage, seconds) => {
      observeStage(stage, seconds);
      observer.onStage?.(stage, seconds);
    },
  };
}
