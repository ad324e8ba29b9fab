/**
 * Opens an index for searching: the manifest, then codebook and segments into kernel memory.
 *
 * @module
 */
import PQueue from "p-queue";
import { MaxleafError, quote } from "../errors.ts";
import { readCodebook } from "../format/codebook.ts";
import type { SegmentReader } from "../format/contract.ts";
import { readManifest } from "../format/manifest-store.ts";
import type { Manifest, SegmentEntry } from "../format/manifest.ts";
import { segmentIdentityOf } from "../format/segment-identity.ts";
import { openSegment } from "../format/segment-reader.ts";
import { Kernel, type KernelCodebook } from "../kernel/kernel.ts";
import type { KernelModule } from "../kernel/webassembly.ts";
import { MAX_CONCURRENT_READS } from "../limits.ts";
import type { HedgePolicy } from "../store/hedge-policy.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { DocumentPlace, PageExplanation, SearchableIndex, SearchRequest, SearchResult } from "./contract.ts";
import { explainPage, type ExplainRequest } from "./explain.ts";
import { MemoryBudget, type Resident } from "./memory-budget.ts";
import { RecordCaches } from "./record-cache.ts";
import { searchSnapshot, type EngineParts } from "./search.ts";
import { SharedResident } from "./shared-resident.ts";
import { IndexSnapshot, type OpenedSegment } from "./snapshot.ts";

/** Heap bytes of what a reader keeps of one page (its row and four record offsets) and of one document, about. */
const HEAP_BYTES_PER_PAGE = 100;
const HEAP_BYTES_PER_DOCUMENT = 700;

/** An eighth of an isolate: with a few hundred pages' codes and exact vectors it holds what a run of searches returns to. */
export const DEFAULT_CACHE_BYTES = 16 * 1024 * 1024;

export interface OpenIndexOptions {
  store: ObjectStore;
  /** Name of the index. */
  index: string;
  /** `kernel.wasm`, compiled. */
  kernelModule: KernelModule;
  /** What this index shares with others: its resident state counts there, its page records are kept there. */
  memory?: MemoryBudget;
  /** Page records kept after use when `memory` is not given; 16 MiB. */
  cacheBytes?: number;
  /** Limit of kernel memory: resident state and queries in flight; half an isolate. */
  kernelBytes?: number;
  /** When slow reads are asked for twice: one policy for all indexes of an isolate; without it, never. */
  hedging?: HedgePolicy;
  /** Milliseconds from any start, for the times in results; `performance.now`. */
  nowMs?: () => number;
  /** The manifest to open and to refresh to, say one with some of the segments; the newest in the store. */
  readManifest?: () => Promise<Manifest>;
}

/**
 * Errors: `index_not_found`; `overloaded` when the index does not fit the memory budget; `corrupt_data`,
 * `unsupported_format_version`, `recipe_mismatch`, `store_unavailable` from reading it.
 */
export async function openIndex(options: OpenIndexOptions): Promise<SearchableIndex> {
  const budget = options.kernelBytes === undefined ? {} : { budgetBytes: options.kernelBytes };
  const opener = new SnapshotOpener(options, new Kernel(options.kernelModule, budget));
  const snapshot = await opener.open(await opener.readManifest(), undefined);
  return new OpenedIndex(opener, snapshot, options);
}

class OpenedIndex implements SearchableIndex, Resident {
  readonly #memory: MemoryBudget | undefined;
  readonly #opener: SnapshotOpener;
  readonly #parts: EngineParts;
  #snapshot: IndexSnapshot;
  #isClosed = false;

  constructor(opener: SnapshotOpener, snapshot: IndexSnapshot, options: OpenIndexOptions) {
    this.#opener = opener;
    this.#snapshot = snapshot;
    this.#parts = {
      kernel: opener.kernel,
      store: options.store,
      hedging: options.hedging,
      caches: new RecordCaches(options.memory ?? new MemoryBudget(options.cacheBytes ?? DEFAULT_CACHE_BYTES)),
      nowMs: options.nowMs ?? (() => performance.now()),
    };
    this.#memory = options.memory;
    this.#memory?.add(this);
  }

  get manifest(): Manifest {
    return this.#snapshot.manifest;
  }

  async openSegment(position: number): Promise<SegmentReader> {
    const segment = this.#snapshot.segments[position];
    if (segment === undefined) throw new RangeError(`there is no segment ${position}`);
    return segment.reader;
  }

  async findDocument(documentId: string): Promise<DocumentPlace[]> {
    const { documents, segments } = this.#snapshot;
    return (documents.get(documentId) ?? []).map(({ segment, ordinal }) => ({
      segment: segments.indexOf(segment),
      ordinal,
    }));
  }

  get memoryBytes(): number {
    return this.residentBytes + this.#parts.caches.heldBytes;
  }

  /** Without page records, which give way. */
  get residentBytes(): number {
    const { kernel } = this.#parts;
    let heapBytes = 0;
    for (const { reader } of this.#snapshot.segments) {
      heapBytes += reader.pages.pageCount * HEAP_BYTES_PER_PAGE + reader.documents.length * HEAP_BYTES_PER_DOCUMENT;
    }
    return kernel.memory.wasm.buffer.byteLength + heapBytes;
  }

  async search(request: SearchRequest): Promise<SearchResult> {
    return await this.#withSnapshot((snapshot) => searchSnapshot(snapshot, request, this.#parts));
  }

  async explain(request: ExplainRequest): Promise<PageExplanation> {
    return await this.#withSnapshot((snapshot) => explainPage(snapshot, request, this.#parts));
  }

  async refresh(): Promise<void> {
    const base = this.#snapshot;
    const manifest = await this.#opener.readManifest();
    if (this.#isClosed || manifest.commitId === base.manifest.commitId) return;
    const next = await this.#withSnapshot((snapshot) => this.#opener.open(manifest, snapshot));
    const current = this.#snapshot;
    // Another refresh may have been faster and have seen more.
    const isOvertaken = current !== base && current.manifest.version >= manifest.version;
    if (this.#isClosed || isOvertaken) return next.release();
    this.#snapshot = next;
    current.release();
    this.#memory?.shrink();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#snapshot.release();
    this.#parts.caches.clear();
    this.#memory?.remove(this);
  }

  /** Keeps the present snapshot's memory for as long as `work` looks at it. */
  async #withSnapshot<T>(work: (snapshot: IndexSnapshot) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new MaxleafError("internal", "the index was closed");
    const snapshot = this.#snapshot.retain();
    try {
      return await work(snapshot);
    } finally {
      snapshot.release();
    }
  }
}

/** Opens versions of one index into one kernel, taking over what did not change. */
class SnapshotOpener {
  readonly kernel: Kernel;
  readonly #store: ObjectStore;
  readonly #index: string;
  readonly #readManifest: (() => Promise<Manifest>) | undefined;

  constructor({ store, index, readManifest }: OpenIndexOptions, kernel: Kernel) {
    this.#store = store;
    this.#index = index;
    this.#readManifest = readManifest;
    this.kernel = kernel;
  }

  /** Errors: `index_not_found`, and those of `readManifest`. */
  async readManifest(): Promise<Manifest> {
    if (this.#readManifest !== undefined) return await this.#readManifest();
    const manifest = await readManifest(this.#store, this.#index);
    if (manifest !== undefined) return manifest;
    throw new MaxleafError("index_not_found", `there is no index ${quote(this.#index)}`);
  }

  /** `previous` is retained by the caller. On failure nothing that was opened stays in kernel memory. */
  async open(manifest: Manifest, previous: IndexSnapshot | undefined): Promise<IndexSnapshot> {
    const codebook = await this.#openCodebook(manifest, previous);
    const queue = new PQueue({ concurrency: MAX_CONCURRENT_READS });
    const results = await Promise.allSettled(
      manifest.segments.map((entry) => queue.add(() => this.#openSegment(manifest, entry, previous, codebook?.value))),
    );
    const opened = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    const failure = results.find((result) => result.status === "rejected");
    if (failure === undefined) return new IndexSnapshot(manifest, codebook, opened);
    codebook?.release();
    for (const segment of opened) segment.bags?.release();
    throw failure.reason;
  }

  async #openCodebook(
    manifest: Manifest,
    previous: IndexSnapshot | undefined,
  ): Promise<SharedResident<KernelCodebook> | undefined> {
    const { codebook, recipeFingerprint, recipe } = manifest;
    if (codebook === undefined) return undefined;
    if (previous?.codebook?.value.id === codebook.id) return previous.codebook.retain();
    const expected = { recipeFingerprint, dim: recipe.dim, subspaces: codebook.subspaces };
    const decoded = await readCodebook(this.#store, this.#index, codebook.id, expected);
    return new SharedResident(this.kernel.loadCodebook(decoded));
  }

  async #openSegment(
    manifest: Manifest,
    entry: SegmentEntry,
    previous: IndexSnapshot | undefined,
    codebook: KernelCodebook | undefined,
  ): Promise<OpenedSegment> {
    const known = previous?.segments.find((segment) => segment.reader.id === entry.id);
    if (known !== undefined) return { ...known, bags: known.bags?.retain() };
    const reader = await openSegment(this.#store, {
      index: this.#index,
      id: entry.id,
      expected: segmentIdentityOf(manifest, entry),
      bytes: entry.bytes,
    });
    if (entry.vectorCount === 0 || codebook === undefined) return { reader, bags: undefined, centroidCount: 0 };
    const { centroidCount } = codebook;
    const bags = this.kernel.loadBags(await reader.readBags(), centroidCount);
    return { reader, bags: new SharedResident(bags), centroidCount };
  }
}
