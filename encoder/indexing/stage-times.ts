/**
 * How long the parts of a commit take.
 *
 * @module
 */

/** Parts of a commit: training a codebook, coding and storing segments, the manifest, the index-wide lists. */
export type IndexingStage = "train" | "code" | "store_segments" | "commit" | "invert";

/** Runs `work` and tells `onStage` how long it took, unless it failed. */
export async function timed<Result, Stage extends string>(
  onStage: ((stage: Stage, seconds: number) => void) | undefined,
  stage: Stage,
  work: () => Promise<Result>,
): Promise<Result> {
  const begunMs = performance.now();
  const result = await work();
  onStage?.(stage, (performance.now() - begunMs) / 1_000);
  return result;
}
