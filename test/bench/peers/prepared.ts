/**
 * A prepared run: where its index lies, its queries and their exact answers. Apart from what prepares it, so that a process that
 * only searches does not load the indexer.
 *
 * @module
 */
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";

export const INDEX_NAME = "peers";
/** Pages of the exact answers, as the peers' harness keeps. */
export const TRUTH_PAGES = 100;

/** What a run needs besides the index. Recall is counted against `truth`. */
const preparedSchema = z.strictObject({
  pages: z.number(),
  vectors: z.number(),
  dim: z.number(),
  buildSeconds: z.number(),
  buildCpuSeconds: z.number(),
  queries: z.array(z.strictObject({ tokenCount: z.number(), values: z.string() })),
  /** Per query the best pages by exact float MaxSim, best first. */
  truth: z.array(z.array(z.number())),
});
export type Prepared = z.infer<typeof preparedSchema>;

/** A page's number, in the name of its document. */
export const pageName = (page: number): string => `page-${page}`;

export const storeFolder = (work: string): string => path.join(work, "store");
const preparedFile = (work: string): string => path.join(work, "prepared.json");

export async function readPrepared(work: string): Promise<Prepared | undefined> {
  try {
    return preparedSchema.parse(JSON.parse(await readFile(preparedFile(work), "utf8")));
  } catch {
    return undefined;
  }
}

/** What {@link readPrepared} will read from `work`. */
export async function writePrepared(work: string, prepared: Prepared): Promise<void> {
  await writeFile(preparedFile(work), JSON.stringify(prepared));
}
