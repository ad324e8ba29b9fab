/**
 * What an ingestion took, as rows.
 *
 * @module
 */
import type { BenchRow } from "../benchmark.ts";

export interface StageTime {
  /** Done with pages, or with a commit. */
  kind: "page" | "commit";
  count: number;
  /** Of all pieces added up; they overlap. */
  seconds: number;
}

export interface MeasuredIngest {
  documents: number;
  sourceBytes: number;
  pages: number;
  vectors: number;
  seconds: number;
  /** After the last page: what a commit takes that nothing overlaps. */
  tailSeconds: number;
  /** Processor seconds: of render processes, of this process' threads (the model, training, coding), of its main thread. */
  cpu: { rendering: number; threads: number; main: number };
  /** Of the whole process tree, shared memory counted in each process that has it. */
  peakRssBytes: number;
  peakProcesses: number;
  stages: Record<string, StageTime>;
}

/** Rows for one ingestion; `cores` that it could use. */
export function rowsOf(what: string, measured: MeasuredIngest, cores: number): BenchRow[] {
  const { pages, vectors, seconds, tailSeconds, cpu, peakRssBytes, peakProcesses, stages } = measured;
  const cpuSeconds = cpu.rendering + cpu.threads + cpu.main;
  const commitSeconds = sumOf(stages, "commit");
  // Commits keep all cores busy while they train and code.
  const pageWork = cpuSeconds - commitSeconds * cores;
  const share = (part: number, whole: number) => (100 * part) / whole;
  return [
    {
      name: `${what}: pages`,
      value: pages / seconds,
      unit: "pages/s",
      note: `${pages} pages, ${vectors} vectors, ${seconds.toFixed(1)} s`,
    },
    { name: `${what}: cores busy`, value: share(cpuSeconds, seconds * cores), unit: "%", note: cpuNote(cpu) },
    {
      name: `${what}: cores busy until the last page`,
      value: share(Math.max(0, pageWork), (seconds - tailSeconds) * cores),
      unit: "%",
      note: "processor time without that of commits, taken as all cores for as long as they ran",
    },
    {
      name: `${what}: commit not overlapped`,
      value: share(tailSeconds, seconds),
      unit: "%",
      note: `${tailSeconds.toFixed(1)} s after the last page`,
    },
    {
      name: `${what}: peak RSS of the process tree`,
      value: peakRssBytes / 1e9,
      unit: "GB",
      note: `${peakProcesses} processes`,
    },
    ...Object.entries(stages).map(([stage, { count, seconds: total }]) => ({
      name: `${what}: ${stage}`,
      value: total,
      unit: "s",
      note: `${count} × ${((1_000 * total) / count).toFixed(0)} ms`,
    })),
  ];
}

function cpuNote({ rendering, threads, main }: MeasuredIngest["cpu"]): string {
  const total = rendering + threads + main;
  const share = (part: number) => `${((100 * part) / total).toFixed(0)} %`;
  return `${total.toFixed(0)} s: rendering ${share(rendering)}, threads ${share(threads)}, main thread ${share(main)}`;
}

function sumOf(stages: MeasuredIngest["stages"], kind: StageTime["kind"]): number {
  return Object.values(stages).reduce((sum, stage) => sum + (stage.kind === kind ? stage.seconds : 0), 0);
}
