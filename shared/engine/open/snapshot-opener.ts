/**
 * Opens versions of one index into one kernel, taking over what did not change.
 *
 * @module
 */
import PQueue from "p-queue";
import { MaxleafError, quote } from "../../errors.ts";
import { readCodebook } from "../../format/codebook.ts";
import type { Codebook } from "../../format/contract.ts";
import type { InvertedFile } from "../../format/inverted/contract.ts";
import { openInvertedFile } from "../../format/inverted/inverted-reader.ts";
import { readManifest, readManifestAfter } from "../../format/manifest-store.ts";
import type { Manifest, SegmentEntry } from "../../format/manifest.ts";
import { type Overlay, readOverlay } from "../../format/overlay.ts";
import { segmentIdentityOf } from "../../format/segment-identity.ts";
import { openSegment } from "../../format/segment-reader.ts";
import type { Kernel, KernelCodebook } from "../../kernel/kernel.ts";
import { MAX_CONCURRENT_READS } from "../../limits.ts";
import type { HedgePolicy } from "../../store/hedge-policy.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import { RequestStore } from "../../store/request-store.ts";
import type { CellCache } from "../candidates/cell-cache.ts";
import { type CentroidLists, HeldLists, listsOfBags, StoredLists } from "../candidates/centroid-lists.ts";
import type { Holding } from "../planner/holding.ts";
import { SharedResident } from "../shared-resident.ts";
import { IndexSnapshot, type OpenedSegment } from "../snapshot.ts";

export interface SnapshotOpenerOptions {
  store: ObjectStore;
  index: string;
  kernel: Kernel;
  cells: CellCache;
  /** The manifest to open; the newest in the store. */
  readManifest: (() => Promise<Manifest>) | undefined;
  hedging: HedgePolicy | undefined;
}

/** One version being opened, and an earlier snapshot to take over from. */
interface Opening {
  /** Reads of this opening, bounded together. What stays open does not keep it: other requests will read by their own. */
  reads: RequestStore;
  manifest: Manifest;
  holding: Holding;
  previous: IndexSnapshot | undefined;
  inverted: InvertedFile | undefined;
}

interface OpenedCodebook {
  resident: SharedResident<KernelCodebook>;
  cellOffsets: Uint32Array;
}

export class SnapshotOpener {
  readonly #options: SnapshotOpenerOptions;

  constructor(options: SnapshotOpenerOptions) {
    this.#options = options;
  }

  /**
   * @param recent the newest version as of moments ago.
   * Errors: `index_not_found`, and those of `readManifest`.
   */
  async readManifest(recent?: Manifest): Promise<Manifest> {
    const { store, index, readManifest: given } = this.#options;
    if (given !== undefined) return await given();
    const manifest = recent === undefined ? await readManifest(store, index) : await readManifestAfter(store, recent);
    if (manifest !== undefined) return manifest;
    throw new MaxleafError("index_not_found", `there is no index ${quote(index)}`);
  }

  /**
   * `previous`, of any version and holding, is retained by the caller. On failure nothing that was opened stays in kernel
   * memory. Errors: those of reading, `overloaded`.
   */
  async open(manifest: Manifest, holding: Holding, previous: IndexSnapshot | undefined): Promise<IndexSnapshot> {
    const { store, hedging } = this.#options;
    const reads = new RequestStore(store, { hedging });
    const opened = new Map<number, OpenedSegment>();
    // Nothing but lists of bags needs the codebook itself, and nothing the overlay: they are read beside everything else.
    const [codebook, overlay, parts] = await Promise.allSettled([
      this.#openCodebook(manifest, previous, reads),
      this.#readOverlay(manifest, previous, reads),
      this.#openParts({ reads, manifest, holding, previous }, opened),
    ]);
    try {
      if (codebook.status === "rejected") throw codebook.reason;
      if (overlay.status === "rejected") throw overlay.reason;
      if (parts.status === "rejected") throw parts.reason;
      const segments = manifest.segments.flatMap((_entry, position) => opened.get(position) ?? []);
      const { cellOffsets } = codebook.value ?? {};
      return new IndexSnapshot({
        manifest,
        overlay: overlay.value,
        holding,
        codebook: codebook.value?.resident,
        cellOffsets,
        ...parts.value,
        otherLists: await otherListsOf(segments, previous, cellOffsets),
        opened: segments,
      });
    } catch (error) {
      if (codebook.status === "fulfilled") codebook.value?.resident.release();
      for (const segment of opened.values()) segment.bags?.release();
      throw error;
    }
  }

  /** The inverted file and its lists, where they are used, and, into `opened`, the segments. */
  async #openParts(
    asked: Omit<Opening, "inverted">,
    opened: Map<number, OpenedSegment>,
  ): Promise<Pick<IndexSnapshot, "inverted" | "invertedLists">> {
    const { manifest, holding, previous, reads } = asked;
    const inverted = holding === "bags" ? undefined : await this.#openInverted(manifest, previous, reads);
    const opening: Opening = { ...asked, inverted };
    const invertedLists = inverted === undefined ? undefined : await this.#listsOf(inverted, opening);
    await this.#openSegments(opening, opened);
    return { inverted, invertedLists };
  }

  async #openCodebook(
    manifest: Manifest,
    previous: IndexSnapshot | undefined,
    reads: RequestStore,
  ): Promise<OpenedCodebook | undefined> {
    const { codebook, recipeFingerprint, recipe } = manifest;
    if (codebook === undefined) return undefined;
    const { codebook: known, cellOffsets } = previous ?? {};
    if (known?.value.id === codebook.id && cellOffsets !== undefined) return { resident: known.retain(), cellOffsets };
    const expected = { recipeFingerprint, dim: recipe.dim, subspaces: codebook.subspaces };
    const { index, kernel } = this.#options;
    const decoded: Codebook = await readCodebook(reads, index, codebook.id, expected);
    if (decoded.centroidCount !== codebook.centroidCount) {
      throw new MaxleafError(
        "corrupt_data",
        `codebook ${codebook.id} has ${decoded.centroidCount} centroids, the manifest says ${codebook.centroidCount}`,
      );
    }
    return { resident: new SharedResident(kernel.loadCodebook(decoded)), cellOffsets: decoded.cells.offsets };
  }

  async #readOverlay(manifest: Manifest, previous: IndexSnapshot | undefined, reads: RequestStore): Promise<Overlay> {
    if (previous !== undefined && previous.manifest.overlay?.id === manifest.overlay?.id) return previous.overlay;
    return await readOverlay(reads, this.#options.index, manifest.overlay);
  }

  async #openInverted(
    manifest: Manifest,
    previous: IndexSnapshot | undefined,
    reads: RequestStore,
  ): Promise<InvertedFile> {
    const { inverted: entry } = manifest;
    if (entry === undefined) throw new MaxleafError("internal", "an index without an inverted file has no lists");
    if (previous?.inverted?.id === entry.id) return previous.inverted;
    const { store, index } = this.#options;
    const identity = segmentIdentityOf(manifest, { vectorCount: 1 });
    return (await openInvertedFile(reads, { index, entry, identity })).withStore(store);
  }

  async #listsOf(file: InvertedFile, { reads, holding, previous }: Opening): Promise<CentroidLists> {
    if (previous?.inverted === file && previous.holding === holding && previous.invertedLists !== undefined) {
      return previous.invertedLists;
    }
    if (holding === "heads") return new StoredLists(file, this.#options.cells);
    const cells = Array.from({ length: file.cellCount }, (_, cell) => cell);
    return new HeldLists(file.pageCount, await file.withStore(reads).readCells(cells));
  }

  /** Into `opened`, by position in the manifest; on failure it has those that could be opened. */
  async #openSegments(opening: Opening, opened: Map<number, OpenedSegment>): Promise<void> {
    const queue = new PQueue({ concurrency: MAX_CONCURRENT_READS });
    const covered = new Map((opening.inverted?.segmentIds ?? []).map((id, position) => [id, position]));
    const results = await Promise.allSettled(
      opening.manifest.segments.map((entry, position) =>
        queue.add(async () => {
          const place = covered.get(entry.id);
          const segment =
            place === undefined ? await this.#openSegment(opening, entry) : coveredSegment(opening, entry, place);
          opened.set(position, segment);
        }),
      ),
    );
    const failure = results.find((result) => result.status === "rejected");
    if (failure !== undefined) throw failure.reason;
  }

  async #openSegment(opening: Opening, entry: SegmentEntry): Promise<OpenedSegment> {
    const { reads, manifest, holding, previous } = opening;
    const known = previous?.segments.find((segment) => segment.reader.id === entry.id && segment.tables !== undefined);
    const isBags = holding === "bags";
    if (known !== undefined && (previous?.holding === "bags") === isBags)
      return { ...known, bags: known.bags?.retain() };
    const { store, index, kernel } = this.#options;
    const expected = segmentIdentityOf(manifest, entry);
    const reader =
      known?.tables?.withStore(reads) ??
      (await openSegment(reads, { index, id: entry.id, expected, bytes: entry.bytes }));
    const tables = reader.withStore(store);
    const { documentOrdinal: documentOrdinals, vectorCount: vectorCounts } = tables.pages;
    const segment = { reader: tables, tables, documentOrdinals, vectorCounts };
    const centroidCount = centroidCountOf(manifest, entry);
    if (centroidCount === 0) return { ...segment, bags: undefined, listedBags: undefined, centroidCount };
    const bags = await reader.readBags();
    if (!isBags) return { ...segment, bags: undefined, listedBags: bags, centroidCount };
    const loaded = new SharedResident(kernel.loadBags(bags, centroidCount));
    return { ...segment, bags: loaded, listedBags: undefined, centroidCount };
  }
}

/** Of the codebook that the segment's codes are under; 0 for a segment without vectors. */
function centroidCountOf({ codebook }: Manifest, { vectorCount }: SegmentEntry): number {
  return vectorCount === 0 ? 0 : (codebook?.centroidCount ?? 0);
}

/** Lists of all segments that the inverted file does not cover: one scan for a hundred small segments. */
async function otherListsOf(
  segments: readonly OpenedSegment[],
  previous: IndexSnapshot | undefined,
  cellOffsets: Uint32Array | undefined,
): Promise<CentroidLists | undefined> {
  const listed = segments.flatMap(({ reader: { id }, listedBags: bags }) => (bags === undefined ? [] : { id, bags }));
  if (listed.length === 0 || cellOffsets === undefined) return undefined;
  const before = (previous?.segments ?? []).filter((segment) => segment.listedBags !== undefined);
  const isSame = before.length === listed.length && before.every(({ reader }, i) => reader.id === listed[i]?.id);
  return isSame ? previous?.otherLists : await listsOfBags(listed, cellOffsets);
}

/** A segment that the inverted file knows: nothing of it is read. */
function coveredSegment({ inverted, manifest }: Opening, entry: SegmentEntry, place: number): OpenedSegment {
  if (inverted === undefined) throw new MaxleafError("internal", `segment ${entry.id} is not covered`);
  const [first, end] = inverted.firstPosition.subarray(place, place + 2);
  return {
    reader: inverted.records(place),
    tables: undefined,
    bags: undefined,
    listedBags: undefined,
    centroidCount: centroidCountOf(manifest, entry),
    documentOrdinals: inverted.documentOrdinals.subarray(first, end),
    vectorCounts: inverted.vectorCounts.subarray(first, end),
  };
}
