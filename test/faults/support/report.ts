/**
 * How much is run, and what was: by default a sample that `npm test` has time for; `npm run test:faults` runs all of it.
 *
 * @module
 */
import { appendFileSync } from "node:fs";

/** Counts of a full run, and of one beside the other tests. */
const FULL = { replays: 1_000, committerRounds: 10, faultyRuns: 50, readers: 200, fuzzPerFormat: 500 };
const USUAL = { replays: 40, committerRounds: 1, faultyRuns: 2, readers: 10, fuzzPerFormat: 20 };

/** Set by `npm run test:faults`. */
export const isFull = process.env["MAXLEAF_FAULTS"] === "full";
const counts = isFull ? FULL : USUAL;

/** Replays one failing case: the seed that its message names. */
const onlySeed = process.env["MAXLEAF_FAULT_SEED"];

/** The seeds of a test: `MAXLEAF_FAULT_RUNS` of them, or as many as usual; or the one of `MAXLEAF_FAULT_SEED`. */
export function seedsOf(what: keyof typeof counts): number[] {
  if (onlySeed !== undefined) return [Number(onlySeed)];
  const runs = process.env["MAXLEAF_FAULT_RUNS"];
  const length = runs === undefined ? counts[what] : Number(runs);
  return Array.from({ length }, (_, seed) => seed + 1);
}

/** Adds a line to the file that `MAXLEAF_FAULT_REPORT` names, from which docs/reliability.md has its counts. */
export function note(what: string, numbers: Record<string, number>): void {
  const file = process.env["MAXLEAF_FAULT_REPORT"];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ what, ...numbers })}\n`);
}

/** Does `work`, and says with which seed when it fails. */
export async function withSeed<T>(seed: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`MAXLEAF_FAULT_SEED=${seed} replays this: ${message}`, { cause });
  }
}
