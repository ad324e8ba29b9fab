/**
 * Has a child process watched by a thread of its own, which still runs when the process does not answer.
 *
 * @module
 */
import { Worker } from "node:worker_threads";

export interface Watch {
  /** Process id of the parent. */
  parent: number;
  memoryMb: number;
}

/**
 * Ends this process when its parent is gone (an endless loop would go on for ever) and when it takes more than
 * `memoryMb` MiB, pixels and all other native memory included, which have no other bound.
 */
export function startWatchdog(memoryMb: number): void {
  const watch: Watch = { parent: process.ppid, memoryMb };
  new Worker(new URL("./watchdog-thread.ts", import.meta.url), { workerData: watch }).unref();
}
