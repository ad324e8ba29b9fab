/**
 * A thread beside the renderer that still runs when the renderer does not answer. It ends the process when its parent is
 * gone (an endless loop would go on for ever) and when it takes too much memory (native memory has no other bound).
 *
 * @module
 */
import { workerData } from "node:worker_threads";
import { RENDER_MEMORY_MB, WATCHDOG_INTERVAL_MS } from "./limits.ts";

const parent: unknown = workerData.parent;

setInterval(() => {
  const tooLarge = process.memoryUsage.rss() > RENDER_MEMORY_MB * 1024 * 1024;
  if (process.ppid !== parent || tooLarge) process.kill(process.pid, "SIGKILL");
}, WATCHDOG_INTERVAL_MS);
