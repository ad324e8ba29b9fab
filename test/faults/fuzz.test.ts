/**
 * Every format read from damaged bytes: a typed error or the right answer, in bounded memory, and always an end.
 */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { note, seedsOf } from "./support/report.ts";

const CHILD = fileURLToPath(new URL("support/fuzz-child.ts", import.meta.url));
/** Less than a fifth of what the process may grow to by default: an array made from a wrong length ends it. */
const MAX_HEAP_MB = 256;
/** A process that has loaded everything has 200 MB. */
const MAX_RSS_BYTES = 512 * 1024 * 1024;
/** A case takes milliseconds, of a busy machine tens of them; nothing is read for longer. */
const MAX_SILENT_MS = 30_000;

const tallySchema = z.object({
  name: z.string(),
  cases: z.int(),
  refused: z.int(),
  largestBytes: z.int(),
  slowestMs: z.number(),
  problems: z.array(z.string()),
});
const processSchema = z.object({ name: z.literal("process"), maxRssBytes: z.int() });

/** Runs the child; its lines. Throws with the case that it was at when it dies or is silent for too long. */
async function fuzz(seeds: readonly number[], folder: string): Promise<string[]> {
  const args = [`--max-old-space-size=${MAX_HEAP_MB}`, CHILD, String(seeds.length), String(seeds[0]), folder];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let lastCase = "none yet";
  const kill = () => child.kill("SIGKILL");
  let timer = setTimeout(kill, MAX_SILENT_MS);
  child.stdout.on("data", (data: Buffer) => (output += data.toString()));
  child.stderr.on("data", (data: Buffer) => {
    lastCase = data.toString().trimEnd().split("\n").at(-1) ?? lastCase;
    clearTimeout(timer);
    timer = setTimeout(kill, MAX_SILENT_MS);
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  clearTimeout(timer);
  if (code !== 0) throw new Error(`it died, or did not come back, at: ${lastCase}\n${output}`);
  return output.trimEnd().split("\n");
}

describe("damaged data of every kind", () => {
  it("is refused or read rightly, in bounded memory", { timeout: 3_600_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), "maxleaf-fuzz-"));
    try {
      const lines = await fuzz(seedsOf("fuzzPerFormat"), folder);
      const last = processSchema.parse(JSON.parse(lines.pop() ?? "{}"));
      const tallies = lines.map((line) => tallySchema.parse(JSON.parse(line)));
      for (const { name, cases, refused, largestBytes } of tallies)
        note(`fuzz: ${name}`, { cases, refused, largestBytes });
      expect(tallies.flatMap(({ name, problems }) => problems.map((problem) => `${name}, ${problem}`))).toEqual([]);
      expect(tallies.length).toBeGreaterThan(25);
      expect(last.maxRssBytes).toBeLessThan(MAX_RSS_BYTES);
      note("fuzz", { cases: tallies.reduce((sum, { cases }) => sum + cases, 0), maxRssBytes: last.maxRssBytes });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
