/**
 * The thread that {@link startWatchdog} starts.
 *
 * @module
 */
import { workerData } from "node:worker_threads";
import type { Watch } from "./watchdog.ts";

const INTERVAL_MS = 500;

const { parent, memoryMb }: Watch = workerData;

setInterval(() => {
  const tooLarge = process.memoryUsage.rss() > memoryMb * 1024 * 1024;
  if (process.ppid !== parent || tooLarge) process.kill(process.pid, "SIGKILL");
}, INTERVAL_MS);
