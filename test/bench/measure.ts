/**
 * Times cases against each other on a machine that does other things too: rounds in which every case runs once, so that a
 * slow minute hits all of them, and medians over the rounds.
 *
 * @module
 */

export interface Case {
  name: string;
  run: () => unknown;
  /** Units of work in one run; times are reported for one of them. */
  units: number;
}

/** A sample is not shorter than this: the clock resolves microseconds. */
const MIN_SAMPLE_MS = 3;
const ROUNDS = 31;

/** Microseconds per unit. On a loaded machine `fastest` is the one that tells about the code. */
export interface Timing {
  median: number;
  fastest: number;
}

/** Timings by the names of `cases`. */
export function interleave(cases: readonly Case[]): Map<string, Timing> {
  const prepared = cases.map((entry) => ({ ...entry, repeats: repeatsOf(entry), samples: [] as number[] }));
  for (let round = 0; round < ROUNDS; round++) {
    for (const { run, units, repeats, samples } of prepared) {
      const startedMs = performance.now();
      for (let i = 0; i < repeats; i++) run();
      samples.push(((performance.now() - startedMs) * 1000) / (repeats * units));
    }
  }
  return new Map(
    prepared.map(({ name, samples }) => [name, { median: quantile(samples, 0.5), fastest: quantile(samples, 0) }]),
  );
}

/** Runs until the compilers have settled, then counts how many runs make a sample. */
function repeatsOf({ run }: Case): number {
  let spentMs = 0;
  let fastestMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 5 || spentMs < 30 * MIN_SAMPLE_MS; i++) {
    const startedMs = performance.now();
    run();
    const tookMs = performance.now() - startedMs;
    spentMs += tookMs;
    fastestMs = Math.min(fastestMs, tookMs);
  }
  return Math.max(1, Math.ceil(MIN_SAMPLE_MS / Math.max(fastestMs, 1e-4)));
}

/** The value below which `share` of `values` lie. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
