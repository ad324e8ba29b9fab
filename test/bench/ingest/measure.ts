/**
 * Runs an ingestion in a process of its own.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { writeDocuments } from "./made-documents.ts";
import type { MeasuredIngest } from "./report.ts";

const run = promisify(execFile);
const CHILD = fileURLToPath(new URL("measured-ingest.ts", import.meta.url));

/** Makes documents of `pageCounts` pages each and ingests them; or what is in the folder `pdf`. */
export async function measureIngest(pageCounts: readonly number[], pdf?: string): Promise<MeasuredIngest> {
  const folder = await mkdtemp(join(tmpdir(), "maxleaf-bench-ingest-"));
  try {
    if (pdf === undefined) await writeDocuments(folder, pageCounts);
    const { stdout } = await run(execPath, [CHILD, pdf ?? folder, join(folder, ".store")]);
    const measured: MeasuredIngest = JSON.parse(stdout);
    return measured;
  } finally {
    await rm(folder, { recursive: true });
  }
}
