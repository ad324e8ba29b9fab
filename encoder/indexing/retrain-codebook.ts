/**
 * A codebook for an index, trained on a sample of the exact vectors that it stores.
 *
 * @module
 */
import { cellCountOf } from "../../shared/format/cells.ts";
import { encodeCodebook } from "../../shared/format/codebook.ts";
import type { SegmentReader } from "../../shared/format/contract.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import { seededRandom } from "../../shared/seeded-random.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import type { MaintenanceProgress } from "./compact.ts";
import type { MatrixRunner } from "./matrix-runner.ts";
import { openSources, readAhead, RUN_VECTOR_BYTES } from "./merge-segments.ts";
import { sampleIndexes } from "./random-sample.ts";
import { type QuantizedMatrix, quantizedMatrix, setQuantizedRow } from "./rows.ts";
import { readSegmentSizes } from "./segment-sizes.ts";
import { chooseTrainingCount, trainCodebook } from "./train-codebook.ts";
import { VectorCoder } from "./vector-coder.ts";

const SAMPLE_SEED = 1;

export interface TrainFromIndexOptions {
  runner: MatrixRunner;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: MaintenanceProgress) => void) | undefined;
}

/** A codebook that nothing names yet. */
export interface TrainedCodebook {
  /** The object at `layout.codebook`. */
  bytes: Uint8Array;
  /** What the manifest says about it. */
  entry: NonNullable<Manifest["codebook"]>;
  coder: VectorCoder;
}

/**
 * Trains as ingestion does with a new index. Undefined when no live page has vectors.
 *
 * @throws MaxleafError `corrupt_data`, `store_unavailable`; the signal's reason.
 */
export async function trainFromIndex(
  store: ObjectStore,
  manifest: Manifest,
  { runner, signal, onProgress }: TrainFromIndexOptions,
): Promise<TrainedCodebook | undefined> {
  const { recipe, recipeFingerprint, settings } = manifest;
  const sizes = await readSegmentSizes(store, manifest);
  const vectorCount = sizes.reduce((sum, { liveVectors }) => sum + liveVectors, 0);
  if (vectorCount === 0) return undefined;
  const chosen = sampleIndexes(chooseTrainingCount(vectorCount, recipe.dim), vectorCount, seededRandom(SAMPLE_SEED));
  const sample = await drawSample(store, manifest, chosen, (share) => {
    signal?.throwIfAborted();
    onProgress?.({ stage: "sampling", share });
  });
  const codebook = await trainCodebook(runner, sample, {
    recipeFingerprint,
    vectorCount,
    subspaces: settings?.subspaces,
    onProgress: (share) => {
      signal?.throwIfAborted();
      onProgress?.({ stage: "training", share });
    },
  });
  const bytes = encodeCodebook(codebook);
  const { id, centroidCount, subspaces, cells, training } = codebook;
  const entry = {
    id,
    bytes: bytes.byteLength,
    centroidCount,
    subspaces,
    cellCount: cellCountOf(cells),
    meanResidualNorm: training.meanResidualNorm,
    trainedOnVectors: vectorCount,
  };
  return { bytes, entry, coder: new VectorCoder(runner, codebook) };
}

/** A page with the vectors of it that were chosen. */
interface ChosenPage {
  page: number;
  vectorCount: number;
  rows: number[];
}

/** The vectors whose numbers are `chosen`, ascending, counted over all live pages in the order of the index. */
async function drawSample(
  store: ObjectStore,
  manifest: Manifest,
  chosen: Uint32Array,
  onProgress: (share: number) => void,
): Promise<QuantizedMatrix> {
  const { dim } = manifest.recipe;
  const sample = quantizedMatrix(chosen.length, dim);
  let filled = 0;
  let counted = 0;
  for (const entry of manifest.segments) {
    if (entry.vectorCount === 0) continue;
    const [source] = await openSources({ store, index: manifest.index, from: manifest }, [entry]);
    if (source === undefined) continue;
    const { reader } = source;
    const picked = pickPages(reader, new Set(entry.deletedDocuments), chosen.subarray(filled), counted);
    counted = picked.counted;
    for await (const run of readAhead(runsOf(reader, picked.pages, dim))) {
      for (const { rows, exact } of run) {
        for (const row of rows) {
          setQuantizedRow(sample, filled, exact, row);
          filled += 1;
        }
      }
      onProgress(filled / chosen.length);
    }
  }
  return sample;
}

/** Pages of `reader` that have vectors of `chosen`; the first vector of the segment has the number `first`. */
function pickPages(
  { pages }: SegmentReader,
  deleted: ReadonlySet<number>,
  chosen: Uint32Array,
  first: number,
): { pages: ChosenPage[]; counted: number } {
  const picked: ChosenPage[] = [];
  let counted = first;
  let next = 0;
  for (let page = 0; page < pages.pageCount; page++) {
    if (deleted.has(pages.documentOrdinal[page] ?? 0)) continue;
    const vectorCount = pages.vectorCount[page] ?? 0;
    const rows: number[] = [];
    for (; next < chosen.length && (chosen[next] ?? 0) < counted + vectorCount; next++) {
      rows.push((chosen[next] ?? 0) - counted);
    }
    if (rows.length > 0) picked.push({ page, vectorCount, rows });
    counted += vectorCount;
  }
  return { pages: picked, counted };
}

function* runsOf(reader: SegmentReader, pages: readonly ChosenPage[], dim: number) {
  let run: ChosenPage[] = [];
  let bytes = 0;
  const read = (chosen: readonly ChosenPage[]) => async () => {
    const vectors = await reader.readVectors(chosen.map(({ page }) => page));
    return vectors.map((exact, at) => ({ exact, rows: chosen[at]?.rows ?? [] }));
  };
  for (const page of pages) {
    run.push(page);
    bytes += page.vectorCount * dim;
    if (bytes < RUN_VECTOR_BYTES) continue;
    yield read(run);
    run = [];
    bytes = 0;
  }
  if (run.length > 0) yield read(run);
}
