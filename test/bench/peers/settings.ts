/**
 * What a run of searches is asked for, and what it measured: passed between processes as JSON.
 *
 * @module
 */
import { z } from "zod";

export const settingSchema = z.strictObject({
  k: z.number(),
  bare: z.boolean().optional(),
  candidates: z.number().optional(),
  exact: z.number().optional(),
  path: z.enum(["resident", "pruned"]).optional(),
  nprobe: z.number().optional(),
});
export type Setting = z.infer<typeof settingSchema>;

export const measuredSchema = z.strictObject({
  recall10: z.number(),
  /** Null when fewer pages were asked for. */
  recall100: z.number().nullable(),
  /** Medians over the queries of the best pass. */
  cpuMs: z.number(),
  wallMs: z.number(),
  /** 95th percentile over the queries of the best pass. */
  wallP95Ms: z.number(),
  cpuPerWall: z.number(),
  /** Means by stage, of the last pass. */
  stages: z.record(z.string(), z.number()),
  peakRssMb: z.number(),
  indexMb: z.number(),
});
export type Measured = z.infer<typeof measuredSchema>;
