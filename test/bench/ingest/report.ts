/**
 * What an ingestion took, as rows.
 *
 * @module
 */
import type { BenchRow } from "../benchmark.ts";

export interface StageTime {
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
  /** From the beginning to a moment before the last page. */
  pageWork: { seconds: number; cpuSeconds: number };
  /** Processor seconds: of render processes, of this process' threads (the model, training, coding), of its main thread. */
  cpu: { rendering: number; threads: number; main: number };
  /** Of the whole process tree, shared memory counted in each process that has it. */
  peakRssBytes: number;
  peakProcesses: number;
  stages: Record<string, StageTime>;
}

/** Rows for one ingestion; `cores` that it could use. */
export function rowsOf(what: string, measured: MeasuredIngest, cores: number): BenchRow[] {
  const { pages, vectors, seconds, tailSeconds, pageWork, cpu, peakRssBytes, peakProcesses, stages } = measured;
  const rows: BenchRow[] = [
    {
      name: "pages",
      value: pages / seconds,
      unit: "pages/s",
      note: `${pages} pages, ${vectors} vectors, ${seconds.toFixed(1)} s`,
    },
    {
      name: "time in rendering and encoding",
      value: (100 * (seconds - tailSeconds)) / seconds,
      unit: "%",
      note: `until the last page; wanted: ≥ 90 %`,
    },
    {
      name: "cores busy in that time",
      value: (100 * pageWork.cpuSeconds) / (pageWork.seconds * cores),
      unit: "%",
      note: `${cores} cores; ${cpuNote(cpu)}`,
    },
    {
      name: "commit that nothing overlaps",
      value: (100 * tailSeconds) / seconds,
      unit: "%",
      note: `${tailSeconds.toFixed(1)} s after the last page; wanted: < 5 %`,
    },
    {
      name: "peak RSS of the process tree",
      value: peakRssBytes / 1e9,
      unit: "GB",
      note: `${peakProcesses} processes; wanted: < 1.5 GB`,
    },
    ...Object.entries(stages).map(([stage, { count, seconds: total }]) => ({
      name: stage,
      value: total,
      unit: "s",
      note: `${count} × ${((1_000 * total) / count).toFixed(0)} ms, which overlap`,
    })),
  ];
  return rows.map((row) => ({ ...row, name: `${what}: ${row.name}` }));
}

function cpuNote({ rendering, threads, main }: MeasuredIngest["cpu"]): string {
  const total = rendering + threads + main;
  const share = (part: number) => `${((100 * part) / total).toFixed(0)} %`;
  return `${total.toFixed(0)} s in all: renderers ${share(rendering)}, threads ${share(threads)}, main thread ${share(main)}`;
}
