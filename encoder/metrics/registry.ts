/**
 * The metrics of this process, as Prometheus reads them (text format 0.0.4). docs/operations.md lists them.
 *
 * One registry for the process: what is counted belongs to it and not to a store or an index, and no label names a document,
 * an index or a caller, so the number of series is fixed.
 *
 * @module
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

const registry = new Registry();
const registers = [registry];

export interface Named {
  name: string;
  help: string;
}

/** A counter by the values of one label; what it gives counts. Every series is there from the start: what has not happened is 0. */
export function countBy<Value extends string>(
  { name, help }: Named,
  label: string,
  values: readonly Value[],
): (value: Value, count?: number) => void {
  const counter = new Counter({ name, help, labelNames: [label], registers });
  const count = (value: Value, times = 1) => counter.inc({ [label]: value }, times);
  for (const value of values) count(value, 0);
  return count;
}

/** A histogram of seconds by one label; what it gives observes. */
export function secondsBy(
  { name, help }: Named,
  label: string,
  buckets: readonly number[],
): (value: string, seconds: number) => void {
  const histogram = new Histogram({ name, help, labelNames: [label], buckets: [...buckets], registers });
  return (value, seconds) => histogram.observe({ [label]: value }, seconds);
}

/** A gauge of how much of something is under way; what it gives does `work` and counts it while it lasts. */
export function underWay(named: Named): <Result>(work: () => Promise<Result>) => Promise<Result> {
  const gauge = new Gauge({ ...named, registers });
  return async (work) => {
    gauge.inc();
    try {
      return await work();
    } finally {
      gauge.dec();
    }
  };
}

/** A gauge that is looked at when somebody reads the metrics. */
export function lookedAt(named: Named, look: () => Promise<number> | number): void {
  lookedAtBy(named, [], async (gauge) => gauge.set(await look()));
}

/** The same by the values of one label: what `look` does not name has no value. */
export function lookedAtEach(named: Named, label: string, look: () => Promise<Record<string, number>>): void {
  lookedAtBy(named, [label], async (gauge) => {
    const seen = await look();
    gauge.reset();
    for (const [value, number] of Object.entries(seen)) gauge.set({ [label]: value }, number);
  });
}

function lookedAtBy(named: Named, labelNames: string[], set: (gauge: Gauge) => Promise<void>): void {
  const gauge: Gauge = new Gauge({ ...named, labelNames, registers, collect: async () => await set(gauge) });
}

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
