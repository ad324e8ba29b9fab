/**
 * Reads damaged data in a process of its own, whose memory is bounded: `fuzz-child.ts <cases> <first seed> <folder>`. Writes
 * a line of JSON for each kind of data, and before each case its seed to standard error, for when it does not come back.
 *
 * @module
 */
import { writeSync } from "node:fs";
// First: it watches what all others ask for.
import { takeLargestAllocation } from "./allocation-watch.ts";
import { MaxleafError } from "../../../shared/errors.ts";
import { chanceOf } from "./chance.ts";
import { allSubjects, type Subject } from "./fuzz-subjects.ts";
import { mutate } from "./mutate.ts";

const STDERR = 2;
/** The files that are read here have some kilobytes: nothing about them needs more. */
const MAX_ALLOCATION_BYTES = 64 * 1024 * 1024;
const MAX_PROBLEMS = 5;

const [cases = "1", firstSeed = "1", folder = "."] = process.argv.slice(2);

interface Tally {
  name: string;
  cases: number;
  /** Typed errors. */
  refused: number;
  largestBytes: number;
  slowestMs: number;
  problems: string[];
}

async function fuzz(subject: Subject): Promise<Tally> {
  const { name, bytes, read, damage = mutate, isChecked } = subject;
  const intact = JSON.stringify(await read(bytes));
  const tally: Tally = { name, cases: 0, refused: 0, largestBytes: 0, slowestMs: 0, problems: [] };
  takeLargestAllocation();
  for (let seed = Number(firstSeed); seed < Number(firstSeed) + Number(cases); seed++) {
    writeSync(STDERR, `${name}, seed ${seed}\n`);
    const damaged = damage(bytes, chanceOf(seed));
    const startedMs = performance.now();
    const problem = await outcomeOf(damaged, read, isChecked ? intact : undefined);
    tally.slowestMs = Math.max(tally.slowestMs, performance.now() - startedMs);
    tally.cases += 1;
    if (problem === "refused") tally.refused += 1;
    const largest = takeLargestAllocation();
    tally.largestBytes = Math.max(tally.largestBytes, largest);
    const found = largest > MAX_ALLOCATION_BYTES ? `asked for ${largest} bytes` : problem;
    if (found === undefined || found === "refused" || tally.problems.length === MAX_PROBLEMS) continue;
    tally.problems.push(`seed ${seed}: ${found}`);
  }
  return tally;
}

/** Undefined when the right thing was read, `refused` for a typed error, else what is wrong. */
async function outcomeOf(
  damaged: Uint8Array,
  read: Subject["read"],
  intact: string | undefined,
): Promise<string | undefined> {
  try {
    const found = JSON.stringify(await read(damaged));
    return intact === undefined || found === intact ? undefined : `something else was read: ${found.slice(0, 300)}`;
  } catch (error) {
    if (error instanceof MaxleafError && error.code !== "internal") return "refused";
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

for (const subject of await allSubjects(folder)) console.log(JSON.stringify(await fuzz(subject)));
console.log(JSON.stringify({ name: "process", maxRssBytes: process.resourceUsage().maxRSS * 1_024 }));
