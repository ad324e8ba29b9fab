/**
 * Memory and processor time of this process and everything it started, from Linux's /proc.
 *
 * @module
 */
import { readdir, readFile } from "node:fs/promises";
import { pid as ownPid } from "node:process";

/** `USER_HZ`, in which /proc counts: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4_096;

/** Field numbers of proc_pid_stat(5), from the state on, which is field 3. */
const FIELD = { parent: 4, utime: 14, stime: 15, cutime: 16, cstime: 17, rss: 24 } as const;

interface Process {
  pid: number;
  parent: number;
  rssBytes: number;
  /** Its own and that of children that have ended. */
  cpuSeconds: number;
}

export interface TreeUsage {
  /** Shared memory counts in each process that has it. */
  rssBytes: number;
  processes: number;
  cpuSeconds: number;
  /** Of `cpuSeconds`: the threads of this process beside its main one; encoding, first of all. */
  threadSeconds: number;
  /** This process' main thread. */
  mainSeconds: number;
  /** All other processes, ended ones included: rendering and OCR. */
  childSeconds: number;
}

/** What this process and its descendants use now. */
export async function treeUsage(): Promise<TreeUsage> {
  const processes = await allProcesses();
  const tree = new Set([ownPid]);
  // Parents have lower numbers than their children but for wrapped ones: look until nothing is added.
  for (let size = 0; size !== tree.size;) {
    size = tree.size;
    for (const { pid, parent } of processes) if (tree.has(parent)) tree.add(pid);
  }
  const members = processes.filter(({ pid }) => tree.has(pid));
  const cpuSeconds = members.reduce((sum, member) => sum + member.cpuSeconds, 0);
  const own = secondsOf(fieldsOf(await readFile(`/proc/${ownPid}/stat`, "utf8")));
  const mainSeconds = secondsOf(fieldsOf(await readFile(`/proc/${ownPid}/task/${ownPid}/stat`, "utf8"))).own;
  return {
    rssBytes: members.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
    processes: members.length,
    cpuSeconds,
    threadSeconds: own.own - mainSeconds,
    mainSeconds,
    childSeconds: cpuSeconds - own.own,
  };
}

async function allProcesses(): Promise<Process[]> {
  const names = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const read = names.map(async (name) => await readFile(`/proc/${name}/stat`, "utf8").catch(() => undefined));
  const found: Process[] = [];
  for (const [at, stat] of (await Promise.all(read)).entries()) {
    // It ended meanwhile.
    if (stat === undefined) continue;
    const fields = fieldsOf(stat);
    const { own, children } = secondsOf(fields);
    const rssBytes = field(fields, FIELD.rss) * PAGE_BYTES;
    found.push({ pid: Number(names[at]), parent: field(fields, FIELD.parent), rssBytes, cpuSeconds: own + children });
  }
  return found;
}

/** From the state on: the name before it may hold spaces and brackets. */
function fieldsOf(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

function field(fields: readonly string[], number: number): number {
  return Number(fields[number - 3]);
}

function secondsOf(fields: readonly string[]): { own: number; children: number } {
  const sum = (...numbers: number[]) => numbers.reduce((total, number) => total + field(fields, number), 0);
  return {
    own: sum(FIELD.utime, FIELD.stime) / TICKS_PER_SECOND,
    children: sum(FIELD.cutime, FIELD.cstime) / TICKS_PER_SECOND,
  };
}
