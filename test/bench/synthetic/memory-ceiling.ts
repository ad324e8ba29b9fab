/**
 * A memory limit that the kernel enforces on a process: a memory cgroup, made for it and removed afterwards.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import path from "node:path";

const ROOT = "/sys/fs/cgroup";

export interface MemoryCeiling {
  /** A command that runs the command given to it as arguments, and all its children, under the limit. */
  wrapper: readonly string[];
  /** The most that was charged at once: memory of the process and pages of files that it read or wrote. */
  peakBytes(): Promise<number>;
  remove(): Promise<void>;
}

/**
 * A process beyond `bytes` (swap does not help it) is killed; file pages in its cache are dropped first.
 *
 * @throws Error where no memory cgroup can be made: on Linux as another user than root, elsewhere always.
 */
export async function createMemoryCeiling(bytes: number): Promise<MemoryCeiling> {
  const name = `maxleaf-bench-${process.pid}`;
  const isVersion1 = existsSync(path.join(ROOT, "memory", "memory.limit_in_bytes"));
  const folder = isVersion1 ? path.join(ROOT, "memory", name) : path.join(ROOT, name);
  const files = isVersion1
    ? { limit: "memory.limit_in_bytes", peak: "memory.max_usage_in_bytes" }
    : { limit: "memory.max", peak: "memory.peak" };
  await mkdir(folder);
  const remove = async () => await rmdir(folder);
  try {
    await writeFile(path.join(folder, files.limit), String(bytes));
  } catch (error) {
    await remove();
    throw error;
  }
  const enter = 'echo $$ > "$0/cgroup.procs" && exec "$@"';
  return {
    wrapper: ["/bin/sh", "-c", enter, folder],
    peakBytes: async () => Number(await readFile(path.join(folder, files.peak), "utf8")),
    remove,
  };
}
