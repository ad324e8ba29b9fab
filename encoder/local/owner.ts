/**
 * Who uses a data folder. The local bucket is a SQLite database that one workerd process owns, so one Maxleaf process
 * at a time has it; the others find its address here, or wait.
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
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

/** Times a claim is tried again when a dead process' record is in the way. */
const CLAIM_ATTEMPTS = 5;

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

/** Moves a dead process' record away. Puts it back if a live process' record was caught instead. */
async function removeStale(file: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
  } catch {
    return;
  }
  const caught = await findOwner(aside);
  if (caught !== undefined) await link(aside, file).catch(() => undefined);
  await rm(aside, { force: true });
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
