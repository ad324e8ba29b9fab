/**
 * Sixteen processes change one index at once, over stores that answer 412, 429 and 503, lose answers and give stale ones.
 */
import { describe, expect, it } from "vitest";
import { deleteDocuments } from "../../encoder/indexing/commit-changes.ts";
import { DocumentTables } from "../../encoder/indexing/document-index.ts";
import { compactIndex } from "../../encoder/indexing/compact.ts";
import { buildInvertedFile } from "../../encoder/indexing/inverted-file.ts";
import { updateMetadata } from "../../encoder/indexing/update-metadata.ts";
import { MaxleafError } from "../../shared/errors.ts";
import { readManifest, readManifestVersion } from "../../shared/format/manifest-store.ts";
import { documentIdOf } from "../../shared/names.ts";
import type { Random } from "../../shared/ports.ts";
import { chanceOf } from "./support/chance.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { FaultyStore } from "./support/faulty-store.ts";
import { expectTidyAfterCollection, expectWell } from "./support/index-checks.ts";
import { note, seedsOf, withSeed } from "./support/report.ts";
import { INDEX, ingest } from "./support/small-documents.ts";
import { TRANSIENT } from "./support/trial.ts";
import { TurnClock } from "./support/turns.ts";

const COMMITTERS = 16;
const CHANGES = 4;
/** As a queue would deliver a change again that failed because of the store. */
const MAX_DELIVERIES = 200;

/** What the owner of a document knows of it: the seed of its content and its shelf. */
type Known = Map<string, { seed: number; shelf: string }>;

interface Committer {
  number: number;
  store: ObjectStore;
  clock: TurnClock;
  random: Random;
  /** What it has acknowledged, by name. Only it changes these. */
  known: Known;
}

const pick = (random: Random, count: number) => Math.floor(random.next() * count);
const ownNames = (number: number) => [`${number}-x`, `${number}-y`];

/** One change of its own documents, and what it knows when that is done. */
async function changeOnce({ number, store, clock, random, known }: Committer): Promise<() => Promise<void>> {
  const target = { store, index: INDEX, clock, random };
  const name = ownNames(number)[pick(random, 2)] ?? "";
  const id = await documentIdOf(name);
  const kind = known.has(name) ? pick(random, 4) : 0;
  if (kind === 1) {
    return async () => {
      await deleteDocuments(target, new Set([id])).catch((error: unknown) => {
        // A deletion whose answer was lost is done.
        if (!(error instanceof MaxleafError && error.code === "document_not_found")) throw error;
      });
      known.delete(name);
    };
  }
  const before = known.get(name);
  if (kind === 2 && before !== undefined) {
    const shelf = `shelf-${pick(random, 5)}`;
    return async () => {
      await updateMetadata(target, new Map([[id, { shelf }]]));
      known.set(name, { ...before, shelf });
    };
  }
  const seed = 1 + pick(random, 1_000_000);
  const document = { name, seed, vectorCounts: [6, pick(random, 2) * 4, 3], shelf: "new" };
  return async () => {
    await ingest(store, [document], { clock, random });
    known.set(name, { seed, shelf: "new" });
  };
}

/** Changes nothing that anybody sees, and replaces what everybody reads. */
async function maintainOnce({ number, store, clock, random }: Committer): Promise<() => Promise<void>> {
  const target = { store, index: INDEX, clock, random };
  return async () => {
    if ((await readManifest(store, INDEX)) === undefined) return;
    if (number % 2 === 0) await buildInvertedFile(target);
    else await compactIndex(target);
  };
}

async function untilDone(work: () => Promise<void>): Promise<number> {
  for (let delivery = 1; ; delivery++) {
    try {
      await work();
      return delivery;
    } catch (error) {
      const isTransient = error instanceof MaxleafError && TRANSIENT.has(error.code);
      if (!isTransient || delivery === MAX_DELIVERIES) throw error;
    }
  }
}

/** Documents of every version, as `name → seed and shelf`, oldest first. */
async function historyOf(store: ObjectStore): Promise<Map<string, string>[]> {
  const tables = new DocumentTables(store, INDEX);
  const history: Map<string, string>[] = [];
  for (let version = 1; ; version++) {
    const manifest = await readManifestVersion(store, INDEX, version);
    if (manifest === undefined) return history;
    const live = await tables.liveDocuments(manifest);
    const entries = [...live.values()].map(
      ({ entry }) => [entry.name, entry.revision + entry.metadata["shelf"]] as const,
    );
    history.push(new Map(entries));
  }
}

/** Every version differs from the one before in documents of one owner at most. */
function expectOneWinnerEach(history: readonly Map<string, string>[]): void {
  for (const [at, now] of history.entries()) {
    const before = history[at - 1] ?? new Map<string, string>();
    const names = new Set([...now.keys(), ...before.keys()]);
    const changed = [...names].filter((name) => now.get(name) !== before.get(name));
    const owners = new Set(changed.map((name) => name.split("-")[0]));
    expect(owners.size, `version ${at + 1} changed ${changed.join(", ")}`).toBeLessThanOrEqual(1);
  }
}

/** Faults met. */
async function round(seed: number): Promise<number> {
  const store = new MemoryStore();
  const faulty: FaultyStore[] = [];
  const committers = Array.from({ length: COMMITTERS }, (_, number): Committer => {
    const random = chanceOf(seed * 1_000 + number);
    const own = new FaultyStore(store, random);
    faulty.push(own);
    return { number, store: own, clock: new TurnClock(), random, known: new Map() };
  });
  let deliveries = 0;
  await Promise.all(
    committers.map(async (committer) => {
      for (let change = 0; change < CHANGES; change++) {
        const isMaintainer = committer.number >= COMMITTERS - 2;
        const needed = await untilDone(await (isMaintainer ? maintainOnce : changeOnce)(committer));
        deliveries += needed;
      }
    }),
  );
  const history = await historyOf(store);
  expectOneWinnerEach(history);
  await expectKnown(store, committers);
  await expectWell(store, INDEX);
  await expectTidyAfterCollection(store, INDEX);
  await expectKnown(store, committers);
  const injected = faulty.flatMap((one) => [...one.injected.values()]).reduce((sum, count) => sum + count, 0);
  note("sixteen committers", { seed, versions: history.length, deliveries, injected });
  return injected;
}

/** What was acknowledged is there, with its content and metadata, and nothing else. */
async function expectKnown(store: ObjectStore, committers: readonly Committer[]): Promise<void> {
  const manifest = await readManifest(store, INDEX);
  if (manifest === undefined) throw new Error("there is no index");
  const live = await new DocumentTables(store, INDEX).liveDocuments(manifest);
  const found = [...live.values()].map(
    ({ entry: { name, metadata, pageCount } }) => `${name} ${metadata["shelf"]} ${pageCount}`,
  );
  const known = committers.flatMap(({ known: own }) => [...own].map(([name, { shelf }]) => `${name} ${shelf} 3`));
  expect(found.toSorted()).toEqual(known.toSorted());
}

describe("sixteen committers at once, over faulty stores", () => {
  it("lose nothing, and each version is one's", { timeout: 600_000 }, async () => {
    for (const seed of seedsOf("committerRounds")) {
      expect(await withSeed(seed, async () => await round(seed))).toBeGreaterThan(50);
    }
  });
});
