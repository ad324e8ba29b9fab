/**
 * The worker's indexes: ingestion by the pipeline and deletion, over one object store.
 *
 * @module
 */
import { resolveIndexName } from "../../shared/format/aliases.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import { MaxleafError } from "../../shared/errors.ts";
import { documentIdOf } from "../../shared/names.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { deleteDocuments } from "../indexing/commit-changes.ts";
import type { FoundFile } from "../ingest/discover.ts";
import { ingestFiles } from "../ingest/pipeline.ts";
import type { IngestReport } from "../ingest/report.ts";
import type { Model } from "../models/model.ts";
import type { ExecutionProvider } from "../models/onnx-session.ts";
import type { PageReader } from "../ocr/page-reader.ts";
import type { IndexSink, IngestCall } from "./sync-documents.ts";

export interface DocumentSinkOptions {
  store: ObjectStore;
  /** Of an index that is made; one that exists keeps its own. */
  defaultRecipe: string;
  loadModel: (recipe: string) => Promise<Model>;
  /** A reader of scans for one ingestion, which closes it. Absent: pages without a text layer stay without words. */
  openPageReader?: (() => PageReader) | undefined;
  threads?: number | undefined;
  executionProvider?: ExecutionProvider | undefined;
  /** After a commit, with the manifest before it: what an index needs that has become another one. */
  onChanged?: ((index: string, before: Manifest | undefined) => void) | undefined;
  onWarning?: ((message: string) => void) | undefined;
}

export class DocumentSink implements IndexSink {
  readonly #options: DocumentSinkOptions;
  /** By recipe: loading one takes a second or more, and they hold memory. */
  readonly #models = new Map<string, Promise<Model>>();

  constructor(options: DocumentSinkOptions) {
    this.#options = options;
  }

  /** Into the index that `name` means by now: an alias may be led elsewhere between two calls. */
  async ingest(name: string, files: FoundFile[], call: IngestCall): Promise<IngestReport> {
    const { signal, discard, onFile, onPage, onCommitted } = call;
    const { store, defaultRecipe, openPageReader, threads, executionProvider, onChanged, onWarning } = this.#options;
    const index = await resolveIndexName(store, name);
    const before = await readManifest(store, index);
    const model = await this.#model(before?.recipe.name ?? defaultRecipe);
    const pageReader = openPageReader?.();
    try {
      const report = await ingestFiles({
        store,
        index,
        model,
        found: { files, skipped: 0, unreadable: [] },
        pageReader,
        threads,
        executionProvider,
        signal,
        discard,
        observer: {
          onFile: (file, outcome) => onFile(file.name, outcome),
          onPage: ({ name }, _page, pageCount, searchable) => onPage?.(name, pageCount, searchable),
          onCommitted: ({ name }) => onCommitted?.(name),
          onWarning: (message) => onWarning?.(message),
        },
      });
      for (const { name, page, reason } of report.pageNotices) onWarning?.(`${name}, page ${page}: ${reason}`);
      if (report.manifestVersion !== undefined && !report.interrupted) onChanged?.(index, before);
      return report;
    } finally {
      pageReader?.close();
    }
  }

  async remove(name: string, names: readonly string[]): Promise<string[]> {
    const { store, onChanged, onWarning } = this.#options;
    const index = await resolveIndexName(store, name);
    const ids = await Promise.all(names.map(documentIdOf));
    try {
      const target = { store, index, onWarning: (message: string) => onWarning?.(message) };
      const { manifest, removed } = await deleteDocuments(target, new Set(ids));
      // What it was before matters to growth alone.
      onChanged?.(index, manifest);
      return removed.map(({ entry }) => entry.name);
    } catch (error) {
      if (error instanceof MaxleafError && NOTHING_THERE.has(error.code)) return [];
      throw error;
    }
  }

  /** Frees the models. */
  async close(): Promise<void> {
    const models = await Promise.allSettled(this.#models.values());
    this.#models.clear();
    for (const model of models) if (model.status === "fulfilled") await model.value.dispose();
  }

  async #model(recipe: string): Promise<Model> {
    const loading = this.#models.get(recipe) ?? this.#options.loadModel(recipe);
    this.#models.set(recipe, loading);
    try {
      return await loading;
    } catch (error) {
      // It may be there next time: pulled meanwhile.
      this.#models.delete(recipe);
      throw error;
    }
  }
}

const NOTHING_THERE: ReadonlySet<string> = new Set(["index_not_found", "document_not_found"]);
