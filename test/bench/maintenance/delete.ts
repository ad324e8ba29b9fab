/**
 * `node test/bench/maintenance/delete.ts --store FOLDER --index NAME [--documents 5]`: how long one document takes to be deleted, until
 * the commit after which no search finds it, and until its images are gone too.
 *
 * The index, say a corpus of `test/bench/synthetic`, is only read: what is written stays in memory. Each deletion is timed twice: from
 * the folder, and with every request taking as long as one to a bucket does (`latency-model.ts`).
 *
 * @module
 */
import { parseArgs } from "node:util";
import { deleteDocument } from "../../../encoder/indexing/commit-changes.ts";
import { DocumentTables } from "../../../encoder/indexing/document-index.ts";
import { FolderStore } from "../../../encoder/storage/folder-store.ts";
import { readManifest } from "../../../shared/format/manifest-store.ts";
import { seededRandom } from "../../../shared/seeded-random.ts";
import { layout } from "../../../shared/store/layout.ts";
import { MemoryStore } from "../../../shared/store/memory-store.ts";
import type { ByteRange, ListOptions, ObjectStore, PutOptions } from "../../../shared/store/object-store.ts";
import { drawLatencyMs, OBJECT_STORE } from "../synthetic/latency-model.ts";
import { evenly } from "../peers/vector-set.ts";

const { values: options } = parseArgs({
  options: { store: { type: "string" }, index: { type: "string" }, documents: { type: "string", default: "5" } },
});
const { store: folder, index } = options;
if (folder === undefined || index === undefined) throw new Error("give --store and --index");

/** Reads the folder and what was written over it, which is all in memory. */
class DraftStore implements ObjectStore {
  readonly #written = new MemoryStore();
  readonly #below: ObjectStore;
  readonly #removed = new Set<string>();

  constructor(below: ObjectStore) {
    this.#below = below;
  }

  async get(key: string, range?: ByteRange) {
    return (
      (await this.#written.get(key, range)) ?? (this.#removed.has(key) ? undefined : await this.#below.get(key, range))
    );
  }

  async put(key: string, bytes: Uint8Array, { onlyIf, ...rest }: PutOptions = {}) {
    // Nobody else writes: what a condition says holds.
    void onlyIf;
    return await this.#written.put(key, bytes, rest);
  }

  async delete(keys: readonly string[]) {
    await this.#written.delete(keys);
    for (const key of keys) this.#removed.add(key);
  }

  async list(prefix: string, listOptions?: ListOptions) {
    return await this.#below.list(prefix, listOptions);
  }
}

/** Every request takes a time drawn from the latency model; counts them. */
class DelayedStore implements ObjectStore {
  requests = 0;
  readonly #inner: ObjectStore;
  readonly #random = seededRandom(1);

  constructor(inner: ObjectStore) {
    this.#inner = inner;
  }

  async get(key: string, range?: ByteRange) {
    const object = await this.#inner.get(key, range);
    await this.#wait(object?.bytes.byteLength ?? 0);
    return object;
  }

  async put(key: string, bytes: Uint8Array, putOptions?: PutOptions) {
    await this.#wait(bytes.byteLength);
    return await this.#inner.put(key, bytes, putOptions);
  }

  async delete(keys: readonly string[]) {
    await this.#wait(0);
    await this.#inner.delete(keys);
  }

  async list(prefix: string, listOptions?: ListOptions) {
    await this.#wait(0);
    return await this.#inner.list(prefix, listOptions);
  }

  async #wait(bytes: number): Promise<void> {
    this.requests += 1;
    const durationMs = drawLatencyMs([[bytes]], OBJECT_STORE, this.#random);
    await new Promise((resolve) => setTimeout(resolve, durationMs));
  }
}

const base = new FolderStore(folder);
const manifest = await readManifest(base, index);
if (manifest === undefined) throw new Error(`there is no index ${index} in ${folder}`);
const ids = [...(await new DocumentTables(base, index).liveDocuments(manifest)).keys()];
const pages = manifest.segments.reduce((sum, { pageCount }) => sum + pageCount, 0);
console.log(`${pages} pages, ${ids.length} documents, ${manifest.segments.length} segments`);
console.log("| store | ms to visible, median (slowest) | ms to the end | requests |");
console.log("|---|---|---|---|");
for (const isDelayed of [false, true]) {
  const visible: number[] = [];
  const ended: number[] = [];
  let requests = 0;
  for (const id of evenly(ids, Number(options.documents))) {
    const times = await timeDeletion(id, isDelayed);
    visible.push(times.visibleMs);
    ended.push(times.endMs);
    requests = times.requests;
  }
  const label = isDelayed ? "as a bucket" : "folder";
  console.log(
    `| ${label} | ${middle(visible)} (${Math.round(Math.max(...visible))}) | ${middle(ended)} | ${requests} |`,
  );
}

async function timeDeletion(id: string, isDelayed: boolean) {
  const delayed = new DelayedStore(new DraftStore(base));
  const inner: ObjectStore = isDelayed ? delayed : new DraftStore(base);
  let visibleMs = 0;
  const beginMs = performance.now();
  const watched: ObjectStore = {
    get: async (...args) => await inner.get(...args),
    put: async (key, ...rest) => {
      const answer = await inner.put(key, ...rest);
      if (key.startsWith(layout.manifests(index ?? ""))) visibleMs = performance.now() - beginMs;
      return answer;
    },
    delete: async (keys) => await inner.delete(keys),
    list: async (...args) => await inner.list(...args),
  };
  await deleteDocument({ store: watched, index: index ?? "" }, id);
  return { visibleMs, endMs: performance.now() - beginMs, requests: delayed.requests };
}

function middle(values: readonly number[]): number {
  return Math.round(values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0);
}
