/**
 * What an ingestion tells of itself while it runs.
 *
 * @module
 */
import type { IndexingProgress } from "../indexing/index-writer.ts";
import type { FoundFile } from "./discover.ts";
import type { IngestStage } from "./stages.ts";

/** What happens, for progress bars. */
export interface IngestObserver {
  /** A page is through; those of a document come in any order. */
  onPage?(file: FoundFile, page: number, pageCount: number, searchable: boolean): void;
  /** A file is done with: ingested, unchanged or failed. */
  onFile?(file: FoundFile, outcome: "added" | "replaced" | "unchanged" | "failed"): void;
  onCommit?(progress: IndexingProgress): void;
  /** A file that was added, or took the place of an older version, is in the index. */
  onCommitted?(file: FoundFile): void;
  onWarning?(message: string, cause: unknown): void;
  /** How long each piece of work took; see `OnStage`. */
  onStage?(stage: IngestStage, seconds: number): void;
}
