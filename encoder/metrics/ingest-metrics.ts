/**
 * What ingestions of this process do, counted.
 *
 * @module
 */
import { Counter, Gauge, Histogram } from "prom-client";
import type { IngestObserver } from "../ingest/observer.ts";
import { EventRate } from "./event-rate.ts";
import { registry } from "./registry.ts";

const registers = [registry];

/** A page is drawn in .1 s and a codebook of 65,536 centroids trained in minutes. */
const STAGE_BUCKETS_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_200];

const pages = new Counter({
  name: "maxleaf_ingest_pages_total",
  help: "Pages that are encoded and whose images are stored, by whether they can be found.",
  labelNames: ["outcome"] as const,
  registers,
});
const documents = new Counter({
  name: "maxleaf_ingest_documents_total",
  help: "Documents done with. Those added or replaced are in the index after the next commit.",
  labelNames: ["outcome"] as const,
  registers,
});
const stages = new Histogram({
  name: "maxleaf_ingest_stage_duration_seconds",
  help: "Time of each piece of a stage: a page, a batch of pages (encode), or a commit. Pieces overlap.",
  labelNames: ["stage"] as const,
  buckets: STAGE_BUCKETS_SECONDS,
  registers,
});
const running = new Gauge({ name: "maxleaf_ingest_running", help: "Ingestions under way.", registers });
const rate = new EventRate();
registry.registerMetric(
  new Gauge({
    name: "maxleaf_ingest_pages_per_second",
    help: "Pages a second over the last minute.",
    registers: [],
    collect() {
      this.set(rate.perSecond());
    },
  }),
);

/** Every series is there from the start: what has not happened is 0 and not absent. */
for (const outcome of ["searchable", "without_text"]) pages.inc({ outcome }, 0);
for (const outcome of ["added", "replaced", "unchanged", "failed"]) documents.inc({ outcome }, 0);

/** `observer`, with all that it is told counted too. */
export function counted(observer: IngestObserver = {}): IngestObserver {
  return {
    onCommit: (progress) => observer.onCommit?.(progress),
    onCommitted: (file) => observer.onCommitted?.(file),
    onWarning: (message, cause) => observer.onWarning?.(message, cause),
    onPage: (file, page, pageCount, searchable) => {
      pages.inc({ outcome: searchable ? "searchable" : "without_text" });
      rate.add();
      observer.onPage?.(file, page, pageCount, searchable);
    },
    onFile: (file, outcome) => {
      documents.inc({ outcome });
      observer.onFile?.(file, outcome);
    },
    onStage: (stage, seconds) => {
      stages.observe({ stage }, seconds);
      observer.onStage?.(stage, seconds);
    },
  };
}

/** Counts an ingestion while it runs. */
export async function whileRunning<Result>(ingest: () => Promise<Result>): Promise<Result> {
  running.inc();
  try {
    return await ingest();
  } finally {
    running.dec();
  }
}
