/**
 * The parts of an ingestion whose times are measured.
 *
 * @module
 */
import type { IndexingStage } from "../indexing/stage-times.ts";

/** Stages of a page, then those of a commit. */
export type IngestStage = "render" | "ocr" | "encode" | "store_images" | IndexingStage;

/** Told how long each piece of a stage took: a page, a batch of pages for `encode`, a commit. Pieces overlap. */
export type OnStage = (stage: IngestStage, seconds: number) => void;
