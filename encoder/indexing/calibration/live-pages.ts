/**
 * The pages of an index that a search can find, and samples of them with their exact vectors.
 *
 * @module
 */
import PQueue from "p-queue";
import type { PageVectors, SegmentReader } from "../../../shared/format/contract.ts";
import type { Manifest } from "../../../shared/format/manifest.ts";
import { segmentIdentityOf } from "../../../shared/format/segment-identity.ts";
import { openSegment } from "../../../shared/format/segment-reader.ts";
import { MAX_CONCURRENT_READS } from "../../../shared/limits.ts";
import type { Random } from "../../../shared/ports.ts";
import type { ObjectStore } from "../../../shared/store/object-store.ts";
import { randomIndex } from "../random-sample.ts";

/** Neighbouring pages drawn together: one range read of about 1.3 MB for 16 pages of 654 vectors of 128 values. */
const PAGES_PER_RUN = 16;

/** A page, as searches name it. */
export function pageKey(documentId: string, pageNumber: number): string {
  return `${documentId}/${pageNumber}`;
}

/** Neighbouring pages of one segment. */
export interface PageRun {
  reader: SegmentReader;
  /** Numbers of pages in the segment. */
  pages: number[];
}

/** Searchable pages of documents that are not deleted. */
export class LivePages {
  readonly #runs: readonly PageRun[];
  readonly count: number;

  private constructor(runs: readonly PageRun[]) {
    this.#runs = runs;
    this.count = runs.reduce((sum, run) => sum + run.pages.length, 0);
  }

  /** Reads the tables of all segments. Errors: those of `openSegment`. */
  static async read(store: ObjectStore, manifest: Manifest): Promise<LivePages> {
    const queue = new PQueue({ concurrency: MAX_CONCURRENT_READS });
    const runs = await queue.addAll(
      manifest.segments.map((entry) => async (): Promise<PageRun[]> => {
        const expected = segmentIdentityOf(manifest, entry);
        const options = { index: manifest.index, id: entry.id, expected, bytes: entry.bytes };
        const reader = await openSegment(store, options);
        return runsOf(reader, new Set(entry.deletedDocuments));
      }),
    );
    return new LivePages(runs.flat());
  }

  /** All runs, in the order of the index. */
  all(): readonly PageRun[] {
    return this.#runs;
  }

  /** Runs drawn at random, each once, until they hold `pageCount` pages or are all drawn. */
  draw(pageCount: number, random: Random): PageRun[] {
    const left = [...this.#runs];
    const drawn: PageRun[] = [];
    for (let pages = 0; pages < pageCount && left.length > 0;) {
      const [run] = left.splice(randomIndex(random, left.length), 1);
      if (run === undefined) break;
      drawn.push(run);
      pages += run.pages.length;
    }
    return drawn;
  }

  /** The pages with the given keys. */
  pick(keys: ReadonlySet<string>): PageRun[] {
    return this.#runs.flatMap((run) => {
      const pages = run.pages.filter((page) => keys.has(keyOf(run.reader, page)));
      return pages.length === 0 ? [] : [{ reader: run.reader, pages }];
    });
  }
}

/** A page of `reader` as searches name it. */
export function keyOf({ documents, pages }: SegmentReader, page: number): string {
  const document = documents[pages.documentOrdinal[page] ?? 0];
  return pageKey(document?.id ?? "", pages.pageNumber[page] ?? 0);
}

/** A page with its vectors. */
export interface VectorPage {
  key: string;
  exact: PageVectors;
}

/** The pages of `run`, read. */
export async function readRun({ reader, pages }: PageRun): Promise<VectorPage[]> {
  const vectors = await reader.readVectors(pages);
  return vectors.map((exact, at) => ({ key: keyOf(reader, pages[at] ?? 0), exact }));
}

function runsOf(reader: SegmentReader, deleted: ReadonlySet<number>): PageRun[] {
  const { documentOrdinal, status, pageCount } = reader.pages;
  const runs: PageRun[] = [];
  for (let page = 0; page < pageCount; page++) {
    if (status[page] !== "searchable" || deleted.has(documentOrdinal[page] ?? 0)) continue;
    const last = runs.at(-1);
    if (last !== undefined && last.pages.length < PAGES_PER_RUN) last.pages.push(page);
    else runs.push({ reader, pages: [page] });
  }
  return runs;
}
