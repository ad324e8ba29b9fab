import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { commitManifest } from "../../shared/format/manifest-store.ts";
import { readOverlay, storeOverlay } from "../../shared/format/overlay.ts";
import type { EncodedPage } from "../../shared/page.ts";
import { deleteDocument, draftOf } from "./commit-changes.ts";
import { compactIndex } from "./compact.ts";
import type { IndexWriter } from "./index-writer.ts";
import { buildInvertedFile } from "./inverted-file.ts";
import { quantizeVectors } from "./page-vectors.ts";
import { retrainIndex } from "./retrain.ts";
import { decorate, pagesOf, TEST_DIM, TestIndex } from "./testing-index.ts";
import { documentCountOf, liveContent } from "./testing-maintenance.ts";
import { documentEntry } from "./testing.ts";

const RUNS = 25;

type Step =
  | { kind: "put"; name: string; pages: number[] }
  | { kind: "delete"; name: string }
  | { kind: "describe"; name: string }
  | { kind: "invert" }
  | { kind: "compact"; maxPages: number; during: Step[] }
  | { kind: "retrain"; maxPages: number; during: Step[] };

const name = fc.constantFrom("a", "b", "c", "d", "e", "f");
const simpleStep = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("put" as const),
      name,
      pages: fc.array(fc.nat(6), { minLength: 1, maxLength: 5 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete" as const), name }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("describe" as const), name }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("invert" as const) }) },
);
const during = fc.array(simpleStep, { maxLength: 3 });
const maxPages = fc.constantFrom(3, 8, 100);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: simpleStep },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("compact" as const), maxPages, during }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("retrain" as const), maxPages, during }) },
);

interface KnownDocument {
  id: string;
  revision: string;
  pages: EncodedPage[];
  metadata: Record<string, string>;
}

/** An index, and what should be in it. */
class ModelledIndex {
  readonly books = new TestIndex();
  readonly known = new Map<string, KnownDocument>();
  /** A compaction or retraining left an index without the inverted file that it had. */
  lostInverted = false;
  readonly #writer: IndexWriter;
  #changes = 0;

  private constructor(books: TestIndex, writer: IndexWriter) {
    this.books = books;
    this.#writer = writer;
  }

  static async create(): Promise<ModelledIndex> {
    const books = new TestIndex();
    const index = new ModelledIndex(books, await books.openWriter({ limits: { maxPages: 3, maxVectors: 40 } }));
    await index.do({ kind: "put", name: "a", pages: [6, 6] });
    return index;
  }

  async do(next: Step): Promise<void> {
    const target = { store: this.books.store, index: this.books.name };
    this.#changes += 1;
    if (next.kind === "put") return await this.#put(next.name, next.pages);
    if (next.kind === "invert") return void (await buildInvertedFile(target));
    if (next.kind === "delete" || next.kind === "describe") {
      const document = this.known.get(next.name);
      if (document === undefined) return;
      if (next.kind === "describe") return await this.#describe(document);
      this.known.delete(next.name);
      return void (await deleteDocument(target, document.id));
    }
    const hadInverted = (await this.books.manifest()).inverted !== undefined;
    const store = this.#interleaved([...next.during]);
    const options = { limits: { maxPages: next.maxPages, maxVectors: 1_000 }, threads: 1 };
    if (next.kind === "compact") await compactIndex({ ...target, store }, options);
    else await retrainIndex({ ...target, store }, options);
    const manifest = await this.books.manifest();
    const isSearchable = manifest.segments.some(({ vectorCount }) => vectorCount > 0);
    this.lostInverted ||= hadInverted && isSearchable && next.during.length === 0 && manifest.inverted === undefined;
  }

  /** Each write of an object of the index is preceded by the next of `steps`. */
  #interleaved(steps: Step[]) {
    return decorate(this.books.store, {
      put: async (...args) => {
        const next = steps.shift();
        if (next !== undefined) await this.do(next);
        return await this.books.store.put(...args);
      },
    });
  }

  async #put(documentName: string, counts: number[]): Promise<void> {
    const pages = pagesOf(this.#changes, ...counts);
    const revision = `r${this.#changes}`;
    const entry = await documentEntry(documentName, pages.length, revision);
    await this.#writer.addDocument(entry, pages);
    this.known.set(documentName, { id: entry.id, revision, pages, metadata: {} });
    await this.#writer.commit();
  }

  async #describe(document: KnownDocument): Promise<void> {
    const { store, name: index } = this.books;
    document.metadata = { change: String(this.#changes) };
    await commitManifest(store, index, async (current) => {
      if (current === undefined) throw new Error("there is no index");
      const { id, revision, metadata } = document;
      const overlay = new Map(await readOverlay(store, index, current.overlay)).set(id, { revision, metadata });
      const entry = await storeOverlay(store, index, overlay);
      return { ...draftOf(current, current.segments), ...(entry && { overlay: entry }) };
    });
  }

  /** What is stored of every live page, as far as a model can know it. */
  async stored() {
    const found = await liveContent(this.books.store, await this.books.manifest());
    return [...found].map(([key, { document, text, exact }]) => {
      return { key, revision: document.revision, metadata: document.metadata, text, exact };
    });
  }

  /** What should be. */
  expected() {
    const pages = [...this.known].flatMap(([documentName, document]) =>
      document.pages.map((page) => ({
        key: `${documentName}/${String(page.pageNumber).padStart(4, "0")}`,
        revision: document.revision,
        metadata: document.metadata,
        text: page.text,
        exact: quantizeVectors({ values: page.vectors, count: page.vectorCount, dim: TEST_DIM }),
      })),
    );
    return pages.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  }
}

describe("an index under compaction, retraining and other writers", () => {
  it("has what was put into it last, whatever the order of things", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
        const index = await ModelledIndex.create();
        try {
          for (const next of steps) {
            await index.do(next);
            expect(await index.stored()).toEqual(index.expected());
            expect(documentCountOf(await index.books.manifest())).toBe(index.known.size);
          }
          expect(index.lostInverted).toBe(false);
        } finally {
          await index.books.close();
        }
      }),
      { numRuns: RUNS },
    );
    expect.hasAssertions();
  });
});
