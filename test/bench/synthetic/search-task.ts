/**
 * What a process that measures searches is told, and what it answers.
 *
 * @module
 */
import { z } from "zod";

export const taskSchema = z.strictObject({
  storeFolder: z.string(),
  index: z.string(),
  path: z.enum(["resident", "pruned"]),
  /** Limit of kernel memory when not the engine's own. */
  kernelBytes: z.number().optional(),
  /** Limit of what is held and kept in all, when not the engine's own. */
  cacheBytes: z.number().optional(),
  warmPasses: z.number(),
  /** In place of the recipe's length prior; 0 is none. */
  lengthPrior: z.number(),
  request: z.strictObject({
    k: z.number(),
    candidates: z.number().optional(),
    exact: z.number().optional(),
    nprobe: z.number().optional(),
  }),
  queries: z.array(z.strictObject({ tokenCount: z.number(), values: z.string() })),
});
export type SearchTask = z.infer<typeof taskSchema>;

const spreadSchema = z.strictObject({ median: z.number(), p99: z.number(), max: z.number() });
export type Spread = z.infer<typeof spreadSchema>;

export const measuredSchema = z.strictObject({
  open: z.strictObject({ ms: z.number(), cpuMs: z.number(), gets: z.number(), bytes: z.number(), waves: z.number() }),
  /** Every query for the first time; page records of earlier ones may be kept. */
  cold: z.strictObject({
    cpuMs: spreadSchema,
    gets: spreadSchema,
    bytes: spreadSchema,
    hops: spreadSchema,
    waves: spreadSchema,
    /** Reads and processor time together, by the latency model. */
    bucketMs: spreadSchema,
    cacheMs: spreadSchema,
  }),
  warmCpuMs: spreadSchema,
  /** What the first query said of itself. */
  settings: z.strictObject({
    path: z.string(),
    source: z.string(),
    nprobe: z.number().optional(),
    candidates: z.number(),
    exactPages: z.number(),
  }),
  /** Mean of each stage over warm searches, milliseconds on the clock. */
  stages: z.record(z.string(), z.number()),
  /** Bytes that the index counts as held after all searches: kernel memory, heap state and records. */
  heldBytes: z.number(),
  rss: z.strictObject({ beforeOpen: z.number(), afterOpen: z.number(), peak: z.number() }),
  /** Per query the pages found. */
  found: z.array(z.array(z.number())),
});
export type MeasuredSearch = z.infer<typeof measuredSchema>;
