/**
 * Times cases against each other on a machine that does other things too: processor time of this thread instead of time on
 * the clock, rounds in which every case runs once, so that a slow minute hits all of them, and medians over the rounds.
 *
 * @module
 */

export interface Case {
  name: string;
  run: () => unknown;
  /** Units of work in one run; times are reported for one of them. */
  units: number;
}

/** A sample is not shorter than this: some virtual machines count processor time in steps of 4 ms. */
const MIN_SAMPLE_MS = 80;
const ROUNDS = 11;
/** Before the first round: enough for the compilers to settle. */
const WARM_UP_MS = 100;

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
      const startedMs = threadMs();
      for (let i = 0; i < repeats; i++) run();
      samples.push(((threadMs() - startedMs) * 1000) / (repeats * units));
    }
  }
  return new Map(
    prepared.map(({ name, samples }) => [name, { median: quantile(samples, 0.5), fastest: quantile(samples, 0) }]),
  );
}

/** Runs until the compilers have settled, then says how many runs make a sample. */
function repeatsOf({ run }: Case): number {
  const startedMs = performance.now();
  let fastestMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 5 || performance.now() - startedMs < WARM_UP_MS; i++) {
    const runStartedMs = performance.now();
    run();
    fastestMs = Math.min(fastestMs, performance.now() - runStartedMs);
  }
  return Math.ceil(MIN_SAMPLE_MS / Math.max(fastestMs, 1e-3));
}

/** Processor time that this thread has used. */
export function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** The value below which `share` of `values` lie. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
