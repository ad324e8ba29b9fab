/**
 * Who uses a data folder. The local bucket is a SQLite database that one workerd process owns, so one Maxleaf process
 * at a time has it; the others find its address here, or wait.
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import { link, mkdir, readFile, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";

const ownerSchema = z.strictObject({
  pid: z.number().int().positive(),
  /** `stack`: a running start or serve, whose bucket others may use. `command`: gone in a moment. */
  kind: z.enum(["stack", "command"]),
  /** What runs, for messages: `maxleaf ingest`. */
  title: z.string(),
  /** Undefined while it starts. */
  edgeUrl: z.url().optional(),
  encoderUrl: z.url().optional(),
});

export type Owner = z.infer<typeof ownerSchema>;

/** A claim of a data folder by this process. */
export interface Claim {
  /** Makes the addresses known to other processes. */
  publish(addresses: { edgeUrl: string; encoderUrl?: string }): Promise<void>;
  release(): Promise<void>;
}

/** How often a process that must wait looks again. */
const POLL_INTERVAL_MS = 250;

/** Times a claim is tried again when a dead process' record is in the way: about 5 s of waiting for a turn. */
const CLAIM_ATTEMPTS = 200;
const TURN_INTERVAL_MS = 25;
/** A turn takes a millisecond; one that lasts so long belongs to a process that died in it. */
const TURN_TIMEOUT_MS = 2_000;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, but belongs to somebody else.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

async function readOwner(file: string): Promise<Owner | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return ownerSchema.safeParse(JSON.parse(text)).data;
  } catch {
    // Half-written by a process that died; whoever claims next replaces it.
    return undefined;
  }
}

/** The live process that `file` names, if there is one. */
export async function findOwner(file: string): Promise<Owner | undefined> {
  const owner = await readOwner(file);
  return owner !== undefined && isAlive(owner.pid) ? owner : undefined;
}

/** Removes a dead process' record. One process at a time looks and removes, so that none removes another's new record. */
async function removeStale(file: string): Promise<void> {
  const turn = `${file}.turn`;
  try {
    await mkdir(turn);
  } catch {
    await sleep(TURN_INTERVAL_MS);
    const begun = await stat(turn).catch(() => undefined);
    if (begun !== undefined && Date.now() - begun.mtimeMs > TURN_TIMEOUT_MS) await rmdir(turn).catch(() => undefined);
    return;
  }
  try {
    if ((await findOwner(file)) === undefined) await rm(file, { force: true });
  } finally {
    await rmdir(turn);
  }
}

async function createExclusively(file: string, owner: Owner): Promise<boolean> {
  const complete = `${file}.${randomUUID()}`;
  await writeFile(complete, JSON.stringify(owner));
  try {
    // `link` fails if `file` exists, and the record appears whole: no reader sees half of it.
    await link(complete, file);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(complete, { force: true });
  }
}

/** Claims `file` for this process, or says who has it. */
export async function claimOwnership(
  file: string,
  claimant: Pick<Owner, "kind" | "title">,
): Promise<{ claim: Claim } | { owner: Owner }> {
  const self: Owner = { pid: process.pid, ...claimant };
  for (let attempt = 0; attempt < CLAIM_ATTEMPTS; attempt++) {
    if (await createExclusively(file, self)) return { claim: claimOf(file, self) };
    const owner = await findOwner(file);
    if (owner !== undefined) return { owner };
    await removeStale(file);
  }
  throw new Error(`${file} could not be claimed in ${CLAIM_ATTEMPTS} attempts`);
}

/** A running stack whose bucket can be used. */
export type RunningStack = Owner & { edgeUrl: string };

/**
 * Claims `file`, or finds the running stack that has it. Waits while a command has it or a stack still starts.
 *
 * @param options.onWait - Called once, if it comes to waiting.
 */
export async function claimOrFindStack(
  file: string,
  claimant: Pick<Owner, "kind" | "title">,
  options: { signal: AbortSignal; onWait: (owner: Owner) => void },
): Promise<{ claim: Claim } | { stack: RunningStack }> {
  let waiting = false;
  for (;;) {
    options.signal.throwIfAborted();
    const result = await claimOwnership(file, claimant);
    if ("claim" in result) return result;
    const { owner } = result;
    if (owner.kind === "stack" && owner.edgeUrl !== undefined) return { stack: { ...owner, edgeUrl: owner.edgeUrl } };
    if (!waiting) options.onWait(owner);
    waiting = true;
    await sleep(POLL_INTERVAL_MS, undefined, { signal: options.signal }).catch(() => undefined);
  }
}

function claimOf(file: string, self: Owner): Claim {
  return {
    publish: async (addresses) => {
      const next = `${file}.${randomUUID()}`;
      await writeFile(next, JSON.stringify({ ...self, ...addresses }));
      await rename(next, file);
    },
    release: async () => {
      const owner = await readOwner(file);
      if (owner?.pid === self.pid) await rm(file, { force: true });
    },
  };
}
