/**
 * How long the reads of a query take, from the latencies that were measured for object storage (../shared/design: 63 ms at
 * the median, 78 ms at the 99th percentile) and for a cache in front of it (5 ms).
 *
 * Each read takes a time drawn from a log-normal distribution through those two points, and its bytes at the rate of one
 * connection; six reads are under way at most. A read starts when one of the six ends, and a wave when the one before it has
 * ended altogether.
 *
 * @module
 */
import type { Random } from "../../../shared/ports.ts";

export interface StoreLatency {
  medianMs: number;
  p99Ms: number;
  bytesPerMs: number;
}

const MEGABYTE = 1_000_000;
/** 50 MB/s for each connection. */
export const OBJECT_STORE: StoreLatency = { medianMs: 63, p99Ms: 78, bytesPerMs: (50 * MEGABYTE) / 1000 };
export const CACHE: StoreLatency = { medianMs: 5, p99Ms: 6.2, bytesPerMs: (200 * MEGABYTE) / 1000 };

const CONNECTIONS = 6;
/** Standard deviations that 99 % of a normal distribution lie below. */
const Z_99 = 2.326;

/** Bytes of the reads of each wave: reads of one wave need not wait for each other. */
export type Waves = readonly (readonly number[])[];

/** Milliseconds until the last read of the last wave has ended, in one draw. */
export function drawLatencyMs(waves: Waves, store: StoreLatency, random: Random): number {
  let elapsedMs = 0;
  for (const reads of waves) {
    const freeAtMs = Array.from({ length: CONNECTIONS }, () => 0);
    for (const bytes of reads) {
      const first = freeAtMs.indexOf(Math.min(...freeAtMs));
      freeAtMs[first] = (freeAtMs[first] ?? 0) + readMs(bytes, store, random);
    }
    elapsedMs += Math.max(...freeAtMs);
  }
  return elapsedMs;
}

function readMs(bytes: number, { medianMs, p99Ms, bytesPerMs }: StoreLatency, random: Random): number {
  const sigma = Math.log(p99Ms / medianMs) / Z_99;
  return medianMs * Math.exp(sigma * standardNormal(random)) + bytes / bytesPerMs;
}

/** The Box–Muller transform. */
function standardNormal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}
