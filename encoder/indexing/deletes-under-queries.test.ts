/**
 * A deleted page never appears in an answer that was asked for after the deletion returned: the real engine over a store whose
 * answers come in any order, beside deletions, updates of metadata and compactions.
 */
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SearchableIndex, SearchResult } from "../../shared/engine/contract.ts";
import { readManifestVersion } from "../../shared/format/manifest-store.ts";
import { openIndex } from "../../shared/engine/open-index.ts";
import type { Holding } from "../../shared/engine/planner/holding.ts";
import { randomQuery } from "../../shared/engine/testing/random-material.ts";
import type { KernelModule } from "../../shared/kernel/webassembly.ts";
import type { Random } from "../../shared/ports.ts";
import { seededRandom } from "../../shared/seeded-random.ts";
import { layout } from "../../shared/store/layout.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { loadKernel } from "../cli/load-kernel.ts";
import { listAll } from "../maintenance/list-all.ts";
import { addWithFiles } from "../maintenance/testing.ts";
import { deleteDocument } from "./commit-changes.ts";
import { compactIndex } from "./compact.ts";
import { DocumentTables } from "./document-index.ts";
import { buildInvertedFile } from "./inverted-file.ts";
import { decorate, TEST_DIM, TEST_REVISION, TestIndex } from "./testing-index.ts";
import { updateMetadata } from "./update-metadata.ts";

const RUNS = 20;
const READERS = 4;
const DELETIONS = 4;
/** Questions that begin between one deletion and the next, however busy the machine is; the last of them are still being answered then. */
const ASKED_BETWEEN_TWO = 2 * READERS;

let kernelModule: KernelModule;
let books: TestIndex;
let ids: string[];
let fingerprint: string;

beforeAll(async () => {
  kernelModule = await loadKernel();
  books = new TestIndex();
  const writer = await books.openWriter();
  ids = [];
  for (let number = 0; number < 9; number++) {
    ids.push(await addWithFiles(books, writer, `book ${number}`, [6, 0, 5]));
    if (number % 3 === 2) await writer.commit();
  }
  await buildInvertedFile({ store: books.store, index: books.name });
  fingerprint = (await books.manifest()).recipeFingerprint;
});
afterAll(async () => await books.close());

/** A copy of the index, what is known of its versions, and chance. */
class World {
  readonly store = new MemoryStore();
  /** Of which the deletion has returned. */
  readonly deleted = new Set<string>();
  /** Answers asked for after some deletion and before the last. */
  askedBetween = 0;
  /** Readers that go on asking. */
  readers = READERS;
  readonly random: Random;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  static async of(seed: number): Promise<World> {
    const world = new World(seed);
    for await (const { key } of listAll(books.store, layout.index(books.name))) {
      const object = await books.store.get(key);
      if (object !== undefined) await world.store.put(key, object.bytes);
    }
    return world;
  }

  /** The store as one who uses it sees it: what it does takes effect, and is answered, some time later. */
  get late(): ObjectStore {
    const { store } = this;
    const late = async <T>(work: () => Promise<T>): Promise<T> => {
      await this.pass();
      return await work().finally(async () => await this.pass());
    };
    return decorate(store, {
      get: async (...args) => await late(async () => await store.get(...args)),
      put: async (...args) => await late(async () => await store.put(...args)),
      list: async (...args) => await late(async () => await store.list(...args)),
      delete: async (keys) => await late(async () => await store.delete(keys)),
    });
  }

  async pass(): Promise<void> {
    for (let turns = this.pick(4); turns > 0; turns--) await setImmediate();
  }

  pick(below: number): number {
    return Math.floor(this.random.next() * below);
  }

  get target() {
    const clock = { nowMs: () => Date.now(), sleep: async () => await this.pass() };
    return { store: this.late, index: books.name, random: this.random, clock, retries: 50 };
  }
}

/** Live documents of `version` and their metadata, by the tables of its segments and its overlay. */
async function liveIn(world: World, version: number): Promise<Map<string, Record<string, string>>> {
  const manifest = await readManifestVersion(world.store, books.name, version);
  if (manifest === undefined) throw new Error(`there is no version ${version}`);
  const live = await new DocumentTables(world.store, books.name).liveDocuments(manifest);
  return new Map(Array.from(live, ([id, { entry }]) => [id, entry.metadata]));
}

async function ask(world: World, index: SearchableIndex): Promise<SearchResult> {
  const query = randomQuery(fingerprint, TEST_DIM, 3, world.random);
  return await index.search({ query, k: 1_000, bare: world.pick(2) === 0, nprobe: 64 });
}

const idsOf = ({ hits }: SearchResult) => new Set(hits.map(({ documentId }) => documentId));

async function readAlong(world: World, holding: Holding, answers: SearchResult[]): Promise<void> {
  try {
    await askAlong(world, holding, answers);
  } finally {
    world.readers -= 1;
  }
}

async function askAlong(world: World, holding: Holding, answers: SearchResult[]): Promise<void> {
  const open = async () => await openIndex({ store: world.late, index: books.name, kernelModule, holding });
  let index = await open();
  let isLast = false;
  while (!isLast) {
    await world.pass();
    isLast = world.deleted.size === DELETIONS;
    const before = new Set(world.deleted);
    if (before.size > 0 && before.size < DELETIONS) world.askedBetween += 1;
    const kind = (["open", "newest", "next"] as const)[world.pick(3)];
    if (kind === "open") {
      index.close();
      index = await open();
    } else await index.refresh(kind);
    const answer = await ask(world, index);
    answers.push(answer);
    expect([...idsOf(answer)].filter((id) => before.has(id))).toEqual([]);
  }
  index.close();
}

async function deleteAlong(world: World): Promise<void> {
  // One of each segment stays: the inverted file goes with the first segment that does.
  const left = ids.filter((_, number) => number % 3 !== 0);
  for (let count = 0; count < DELETIONS; count++) {
    const [id = ""] = left.splice(world.pick(left.length), 1);
    await world.pass();
    await deleteDocument(world.target, id);
    world.deleted.add(id);
    // Source and images of every page went with it, and nobody else's.
    const prefix = layout.document(books.name, id);
    expect((await world.store.list(prefix)).objects).toEqual([]);
    if (count === DELETIONS - 1) return;
    const enough = world.askedBetween + ASKED_BETWEEN_TWO;
    while (world.askedBetween < enough && world.readers > 0) await world.pass();
  }
}

describe("beside deletions, updates and compactions", () => {
  it.each(["bags", "lists", "heads"] as const)(
    `an index held by %s never shows what was deleted before it was asked, and always one version (${RUNS} interleavings)`,
    async (holding) => {
      let askedBetween = 0;
      for (let seed = 0; seed < RUNS; seed++) {
        const world = await World.of(seed);
        const answers: SearchResult[] = [];
        const update = async () => {
          const kept = new Map(ids.map((id) => [id, { [`seed${seed}`]: "x" }]));
          // All of them are there, or one was deleted first.
          await updateMetadata(world.target, kept).catch((error: unknown) => {
            expect(error).toMatchObject({ code: "document_not_found" });
          });
        };
        await Promise.all([
          ...Array.from({ length: READERS }, async () => await readAlong(world, holding, answers)),
          deleteAlong(world),
          update(),
          seed % 2 === 0 ? compactIndex(world.target) : undefined,
        ]);
        askedBetween += world.askedBetween;
        for (const answer of answers) {
          const live = await liveIn(world, answer.manifestVersion);
          expect([...idsOf(answer)].toSorted()).toEqual([...live.keys()].toSorted());
          expect(answer.hits).toHaveLength(2 * live.size);
          for (const { documentId, metadata } of answer.hits) expect(metadata).toEqual(live.get(documentId));
        }
        const kept = ids.filter((id) => !world.deleted.has(id));
        for (const id of kept) {
          for (let page = 1; page <= 3; page++) {
            const key = layout.pageImage(books.name, id, TEST_REVISION, page);
            expect(await world.store.get(key)).toBeDefined();
          }
        }
      }
      expect(askedBetween).toBeGreaterThan(5 * RUNS * READERS);
    },
    120_000,
  );
});
