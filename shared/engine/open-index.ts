/**
 * Opens an index for searching: the manifest, then codebook and segments into kernel memory.
 *
 * @module
 */
import { MaxleafError } from "../errors.ts";
import type { SegmentReader } from "../format/contract.ts";
import type { Manifest } from "../format/manifest.ts";
import type { Overlay } from "../format/overlay.ts";
import { Kernel } from "../kernel/kernel.ts";
import type { KernelModule } from "../kernel/webassembly.ts";
import type { HedgePolicy } from "../store/hedge-policy.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { CellCache } from "./candidates/cell-cache.ts";
import type {
  DocumentPlace,
  ManifestLook,
  PageExplanation,
  PageHit,
  PartRanking,
  SearchableIndex,
  SearchPath,
  SearchRequest,
  SearchResult,
  ShownPages,
  StepCost,
  TermCounts,
} from "./contract.ts";
import { explainPage, type ExplainRequest } from "./explain.ts";
import { MemoryBudget, type Resident } from "./memory-budget.ts";
import { SegmentLookup } from "./open/segment-lookup.ts";
import { SnapshotOpener } from "./open/snapshot-opener.ts";
import {
  checkHolding,
  DEFAULT_MEMORY_BYTES,
  type Holding,
  holdingBytes,
  MAX_KERNEL_BYTES,
  type MemoryLimits,
  planHolding,
} from "./planner/holding.ts";
import { explainWords, type ExplainWordsRequest } from "./lexical/explain-words.ts";
import { TermCache } from "./lexical/term-cache.ts";
import { countSnapshotTerms, rankSnapshot, showSnapshot } from "./part-search.ts";
import { RecordCaches } from "./record-cache.ts";
import { ReservingStore } from "./reserving-store.ts";
import { searchSnapshot, type EngineParts } from "./search.ts";
import type { IndexSnapshot } from "./snapshot.ts";

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
  /** Limit of kernel memory: resident state and queries in flight; five eighths of an isolate. */
  kernelBytes?: number;
  /** How the index is searched; by default as memory allows: see `planHolding`. */
  path?: "resident" | "pruned";
  /** How it is held, whatever memory allows: for measurements and tests. */
  holding?: Holding;
  /** When slow reads are asked for twice: one policy for all indexes of an isolate; without it, never. */
  hedging?: HedgePolicy;
  /** Milliseconds from any start, for the times in results; `performance.now`. */
  nowMs?: () => number;
  /** The manifest to open and to refresh to, say one with some of the segments; the newest in the store. */
  readManifest?: () => Promise<Manifest>;
  /** Told the manifest before anything else is read. */
  onManifest?: (manifest: Manifest) => void;
  /** Told how much memory the index will take, queries included, before it takes any. */
  makeRoom?: (bytes: number) => void;
}

/**
 * Errors: `index_not_found`; `overloaded` when the index does not fit the memory budget; `path_unavailable`; `corrupt_data`,
 * `unsupported_format_version`, `recipe_mismatch`, `store_unavailable` from reading it.
 */
export async function openIndex(options: OpenIndexOptions): Promise<SearchableIndex> {
  const index = new OpenedIndex(options);
  await index.open();
  return index;
}

/** Memory in all, of an index that was given much kernel memory. */
const KERNEL_SHARE = DEFAULT_MEMORY_BYTES / MAX_KERNEL_BYTES;

class OpenedIndex implements SearchableIndex, Resident {
  readonly #options: OpenIndexOptions;
  readonly #limits: MemoryLimits;
  readonly #cells: CellCache;
  readonly #opener: SnapshotOpener;
  readonly #parts: EngineParts;
  /** Undefined before it was opened, and once it was closed. */
  #snapshot: IndexSnapshot | undefined;
  /** The same version held in another way, for requests that ask for it. */
  #other: IndexSnapshot | undefined;
  #isClosed = false;

  constructor(options: OpenIndexOptions) {
    const kernelBytes = options.kernelBytes ?? MAX_KERNEL_BYTES;
    const kernel = new Kernel(options.kernelModule, { budgetBytes: kernelBytes });
    const budget = options.memory ?? new MemoryBudget(options.cacheBytes ?? DEFAULT_CACHE_BYTES);
    this.#options = options;
    this.#limits = {
      kernelBytes,
      totalBytes: options.memory?.limitBytes ?? Math.max(DEFAULT_MEMORY_BYTES, KERNEL_SHARE * kernelBytes),
    };
    this.#cells = new CellCache(budget);
    const { index, readManifest, hedging } = options;
    const store = new ReservingStore(options.store, budget);
    this.#opener = new SnapshotOpener({ store, index, kernel, cells: this.#cells, readManifest, hedging });
    this.#parts = {
      kernel,
      store,
      hedging,
      caches: new RecordCaches(budget),
      terms: new TermCache(budget),
      nowMs: options.nowMs ?? (() => performance.now()),
    };
  }

  async open(): Promise<void> {
    const manifest = await this.#opener.readManifest();
    this.#options.onManifest?.(manifest);
    const holding = this.#usualHolding(manifest);
    const { kernel = 0, heap = 0 } = holdingBytes(manifest)[holding] ?? {};
    this.#options.makeRoom?.(kernel + heap);
    this.#snapshot = await this.#opener.open(manifest, holding, undefined);
    this.#options.memory?.add(this);
  }

  get manifest(): Manifest {
    return this.#current().manifest;
  }

  get overlay(): Overlay {
    return this.#current().overlay;
  }

  async openSegment(position: number): Promise<SegmentReader> {
    return await this.#withSnapshot(this.#current(), async (snapshot) => {
      const segment = snapshot.segments[position];
      if (segment === undefined) throw new RangeError(`there is no segment ${position}`);
      return await new SegmentLookup(snapshot, this.#parts.store).tablesOf(segment);
    });
  }

  async findDocument(documentId: string): Promise<DocumentPlace[]> {
    return await this.#withSnapshot(this.#current(), async (snapshot) => {
      const places = await new SegmentLookup(snapshot, this.#parts.store).findDocument(documentId);
      return places.map(({ segment, ordinal }) => ({ segment: segment.index, ordinal }));
    });
  }

  get memoryBytes(): number {
    return this.residentBytes + this.#parts.caches.heldBytes + this.#parts.terms.heldBytes + this.#cells.heldBytes;
  }

  /** Without page records and lists that were read lately, which give way. */
  get residentBytes(): number {
    const heapBytes = (this.#snapshot?.heapBytes ?? 0) + (this.#other?.heapBytes ?? 0);
    return this.#parts.kernel.memory.wasm.buffer.byteLength + heapBytes;
  }

  async search(request: SearchRequest): Promise<SearchResult> {
    const snapshot = await this.#retainFor(request.path);
    try {
      return await searchSnapshot(snapshot, request, this.#parts);
    } finally {
      snapshot.release();
    }
  }

  async countTerms(text: string): Promise<{ counts: TermCounts; manifestVersion: number; cost: StepCost }> {
    return await this.#withSnapshot(this.#current(), (snapshot) => countSnapshotTerms(snapshot, text, this.#parts));
  }

  async rankPart(request: SearchRequest): Promise<PartRanking> {
    return await this.#withSnapshot(this.#current(), (snapshot) => rankSnapshot(snapshot, request, this.#parts));
  }

  async showPart(request: ShownPages): Promise<{ hits: PageHit[]; manifestVersion: number; cost: StepCost }> {
    return await this.#withSnapshot(this.#current(), (snapshot) => showSnapshot(snapshot, request, this.#parts));
  }

  async explain(request: ExplainRequest): Promise<PageExplanation> {
    return await this.#withSnapshot(this.#current(), (snapshot) => explainPage(snapshot, request, this.#parts));
  }

  async explainWords(request: ExplainWordsRequest): Promise<PageExplanation> {
    return await this.#withSnapshot(this.#current(), (snapshot) => explainWords(snapshot, request, this.#parts));
  }

  async refresh(look: ManifestLook = "newest"): Promise<void> {
    const base = this.#current();
    const manifest = await this.#opener.readManifest(look === "next" ? base.manifest : undefined);
    if (this.#isClosed || manifest.commitId === base.manifest.commitId) return;
    const holding = this.#usualHolding(manifest);
    const next = await this.#withSnapshot(base, (snapshot) => this.#opener.open(manifest, holding, snapshot));
    const current = this.#snapshot;
    // Another refresh may have been faster and have seen more.
    const isOvertaken = current !== base && current !== undefined && current.manifest.version >= manifest.version;
    if (this.#isClosed || isOvertaken) return next.release();
    this.#snapshot = next;
    current?.release();
    this.#dropOther();
    this.#options.memory?.shrink();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#dropOther();
    this.#snapshot?.release();
    this.#parts.caches.clear();
    this.#parts.terms.clear();
    this.#cells.clear();
    this.#options.memory?.remove(this);
  }

  #current(): IndexSnapshot {
    if (this.#isClosed || this.#snapshot === undefined) throw new MaxleafError("internal", "the index was closed");
    return this.#snapshot;
  }

  #usualHolding(manifest: Manifest): Holding {
    const { holding, path } = this.#options;
    return holding === undefined ? planHolding(manifest, this.#limits, path) : checkHolding(manifest, holding);
  }

  /** The present version, held as `path` wants it; the caller releases it. */
  async #retainFor(path: SearchPath | undefined): Promise<IndexSnapshot> {
    const current = this.#current();
    if (path === undefined) return current.retain();
    if (path === "sharded") {
      throw new MaxleafError("path_unavailable", "there are no shards here; ask for path resident or pruned");
    }
    const isPruned = current.holding === "heads";
    if (isPruned === (path === "pruned")) return current.retain();
    const holding = planHolding(current.manifest, this.#limits, path);
    if (this.#other?.manifest === current.manifest && this.#other.holding === holding) return this.#other.retain();
    const opened = await this.#withSnapshot(current, (snapshot) =>
      this.#opener.open(current.manifest, holding, snapshot),
    );
    // A refresh, another request or a close may have come first: then this view lives as long as this request.
    if (this.#isClosed || this.#snapshot !== current) return opened;
    this.#dropOther();
    this.#other = opened;
    this.#options.memory?.shrink();
    return opened.retain();
  }

  #dropOther(): void {
    this.#other?.release();
    this.#other = undefined;
  }

  /** Keeps a snapshot's memory for as long as `work` looks at it. */
  async #withSnapshot<T>(snapshot: IndexSnapshot, work: (snapshot: IndexSnapshot) => Promise<T>): Promise<T> {
    snapshot.retain();
    try {
      return await work(snapshot);
    } finally {
      snapshot.release();
    }
  }
}
