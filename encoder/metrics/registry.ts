/**
 * The metrics of this process, as Prometheus reads them (text format 0.0.4). docs/operations.md lists them.
 *
 * One registry for the process: what is counted belongs to it and not to a store or an index, and no label names a document,
 * an index or a caller, so the number of series is fixed.
 *
 * @module
 */
import { collectDefaultMetrics, Registry } from "prom-client";

export const registry = new Registry();

let hasProcessMetrics = false;

export interface Exposition {
  contentType: string;
  body: string;
}

/** All metrics as they are now, those of the process itself (`process_…`, `nodejs_…`) too. */
export async function exposition(): Promise<Exposition> {
  // Not before somebody asks: they watch the event loop and every garbage collection.
  if (!hasProcessMetrics) collectDefaultMetrics({ register: registry });
  hasProcessMetrics = true;
  return { contentType: registry.contentType, body: await registry.metrics() };
}
