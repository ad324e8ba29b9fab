/**
 * Makes documents of an index what their objects are now: the heart of the worker.
 *
 * Events only say which objects to look at. An object that is there is ingested as it is, one that is not is deleted
 * from the index, and after the commit each is looked at again: if it changed meanwhile, it is done again. So the last to
 * commit has always looked after its commit, and neither the order of events nor two workers with the same object can
 * bring back a deleted document or an older version. An object whose document is there already, with the same bytes and
 * recipe, costs its download.
 *
 * @module
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import PQueue from "p-queue";
import { type ErrorCode, MaxleafError, toMaxleafError } from "../../shared/errors.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import type { FoundFile } from "../ingest/discover.ts";
import type { IngestReport } from "../ingest/report.ts";
import { currentVersion, downloadVersion, type ObjectVersion } from "./source-object.ts";

/** An object and the document that it is. */
export interface SourceDocument {
  bucket: string;
  key: string;
  /** In the index. */
  name: string;
}

/** What became of a document. `left`: nothing was done, because the worker is stopping. */
export type SyncOutcome =
  | { state: "added" | "replaced" | "unchanged" | "deleted" | "absent" | "left" }
  | { state: "failed"; code: ErrorCode; reason: string };

/** The index as the worker changes it. */
export interface IndexSink {
  /** Ingests files into `index` and commits. `onFile` is told of each that is done; it counts when this returns. */
  ingest(index: string, files: FoundFile[], options: IngestCall): Promise<Pick<IngestReport, "failed">>;
  /** Deletes documents in one commit; gives those that were there. */
  remove(index: string, names: readonly string[]): Promise<string[]>;
}

export interface IngestCall {
  signal: AbortSignal;
  /** See `IngestOptions.discard`. */
  discard?: AbortSignal | undefined;
  onFile: (name: string, outcome: "added" | "replaced" | "unchanged" | "failed") => void;
  /** A page of `pageCount` is encoded. */
  onPage?: ((name: string, pageCount: number, searchable: boolean) => void) | undefined;
  /** What was added or replaced is in the index. */
  onCommitted?: ((name: string) => void) | undefined;
}

export interface SyncOptions {
  index: string;
  sink: IndexSink;
  /** The bucket called so. */
  source: (bucket: string) => ObjectStore;
  signal: AbortSignal;
}

/** Times an object is done again because it changed meanwhile; then it waits for its next event, which must be coming. */
const MAX_ROUNDS = 3;
/** Requests to the source bucket at a time; each download holds one part of 16 MiB. */
const REQUESTS_AT_ONCE = 4;
/** Source files on the disk at a time: four of the largest. */
const MAX_DOWNLOADED_BYTES = 1024 * 1024 * 1024;

/** An object as it was looked at. */
interface Seen {
  document: SourceDocument;
  version: ObjectVersion | undefined;
}

/**
 * What became of each of `documents`, whose names are distinct, in the index. What is `added`, `replaced`, `unchanged`
 * or `deleted` is committed.
 *
 * Never throws: what fails for all is each one's failure.
 */
export async function syncDocuments(
  documents: readonly SourceDocument[],
  options: SyncOptions,
): Promise<Map<SourceDocument, SyncOutcome>> {
  const sync = new Sync(options);
  await sync.run(documents);
  return sync.outcomes;
}

class Sync {
  readonly outcomes = new Map<SourceDocument, SyncOutcome>();
  readonly #options: SyncOptions;
  readonly #requests = new PQueue({ concurrency: REQUESTS_AT_ONCE });

  constructor(options: SyncOptions) {
    this.#options = options;
  }

  async run(documents: readonly SourceDocument[]): Promise<void> {
    let changed = documents;
    for (let round = 0; round < MAX_ROUNDS && changed.length > 0; round++) {
      const seen = await this.#look(changed);
      await this.#removeAbsent(seen.filter(({ version }) => version === undefined));
      for (const some of inChunks(seen.filter(({ version }) => version !== undefined))) await this.#ingest(some);
      changed = await this.#findChanged(seen);
    }
    for (const document of changed) {
      this.#fail([document], new MaxleafError("precondition_failed", `it changed ${MAX_ROUNDS} times meanwhile`));
    }
  }

  /** The objects as they are; those that cannot be looked at have failed and are left out. */
  async #look(documents: readonly SourceDocument[]): Promise<Seen[]> {
    const seen: Seen[] = [];
    await this.#forEach(documents, async (document) => {
      seen.push({ document, version: await currentVersion(this.#source(document), document.key) });
    });
    return seen;
  }

  async #removeAbsent(absent: readonly Seen[]): Promise<void> {
    if (absent.length === 0) return;
    const documents = absent.map(({ document }) => document);
    if (this.#options.signal.aborted) {
      this.#settle(documents, { state: "left" });
      return;
    }
    try {
      const names = documents.map(({ name }) => name);
      const removed = new Set(await this.#options.sink.remove(this.#options.index, names));
      for (const document of documents) {
        this.outcomes.set(document, { state: removed.has(document.name) ? "deleted" : "absent" });
      }
    } catch (error) {
      this.#fail(documents, error);
    }
  }

  /** Downloads and ingests; leaves without an outcome what changed while it was downloaded. */
  async #ingest(seen: readonly Seen[]): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), "maxleaf-worker-"));
    const documents = seen.map(({ document }) => document);
    try {
      const files = await this.#download(seen, folder);
      if (files.size > 0) await this.#ingestFiles(files);
    } catch (error) {
      this.#fail(documents, error);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #download(seen: readonly Seen[], folder: string): Promise<Map<string, [SourceDocument, FoundFile]>> {
    const files = new Map<string, [SourceDocument, FoundFile]>();
    const versions = new Map(seen.map(({ document, version }) => [document, version]));
    let count = 0;
    await this.#forEach([...versions.keys()], async (document) => {
      const version = versions.get(document);
      if (version === undefined) return;
      if (this.#options.signal.aborted) {
        this.outcomes.set(document, { state: "left" });
        return;
      }
      const { name, key } = document;
      // Not by its name, which may be longer than a file's can be.
      const path = join(folder, String(count++));
      const complete = await downloadVersion(this.#source(document), key, version, path);
      if (complete) files.set(name, [document, { name, path, bytes: version.size }]);
    });
    return files;
  }

  async #ingestFiles(files: ReadonlyMap<string, [SourceDocument, FoundFile]>): Promise<void> {
    const { sink, index, signal } = this.#options;
    const done = new Map<string, SyncOutcome>();
    const found = [...files.values()].map(([, file]) => file);
    const { failed } = await sink.ingest(index, found, {
      signal,
      onFile: (name, outcome) => {
        if (outcome !== "failed") done.set(name, { state: outcome });
      },
    });
    for (const { name, code, reason } of failed) done.set(name, { state: "failed", code, reason });
    for (const [name, [document]] of files) this.outcomes.set(document, done.get(name) ?? { state: "left" });
  }

  /** Those that are another version by now than what was done. What was not done needs no second look. */
  async #findChanged(seen: readonly Seen[]): Promise<SourceDocument[]> {
    const changed: SourceDocument[] = [];
    const versions = new Map(seen.map(({ document, version }) => [document, version]));
    await this.#forEach([...versions.keys()], async (document) => {
      const outcome = this.outcomes.get(document);
      if (outcome?.state === "left" || (outcome?.state === "failed" && isForAll(outcome.code))) return;
      const now = await currentVersion(this.#source(document), document.key);
      if (outcome === undefined || now?.etag !== versions.get(document)?.etag) changed.push(document);
    });
    return changed;
  }

  /** Does `work` for each, a few at a time; an error is that document's failure. */
  async #forEach(
    documents: readonly SourceDocument[],
    work: (document: SourceDocument) => Promise<void>,
  ): Promise<void> {
    const attempt = async (document: SourceDocument) => {
      await work(document).catch((error: unknown) => this.#fail([document], error));
    };
    await this.#requests.addAll(documents.map((document) => async () => await attempt(document)));
  }

  #source({ bucket }: SourceDocument): ObjectStore {
    return this.#options.source(bucket);
  }

  #settle(documents: readonly SourceDocument[], outcome: SyncOutcome): void {
    for (const document of documents) this.outcomes.set(document, outcome);
  }

  /** What an ingestion says of its own stop is no failure of the documents. */
  #fail(documents: readonly SourceDocument[], error: unknown): void {
    if (this.#options.signal.aborted) {
      this.#settle(documents, { state: "left" });
      return;
    }
    const { code, message, cause } = toMaxleafError(error);
    const why = code === "internal" && cause instanceof Error ? `: ${cause.message}` : "";
    this.#settle(documents, { state: "failed", code, reason: message + why });
  }
}

/** Failures of what the worker depends on, which another document would meet too: no reason to give one up. */
export function isForAll(code: ErrorCode): boolean {
  return FOR_ALL.has(code);
}

const FOR_ALL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "store_unavailable",
  "model_unavailable",
  "recipe_mismatch",
  "commit_conflict",
  "commit_expired",
]);

/** In order, each of at most MAX_DOWNLOADED_BYTES, or of one. */
function inChunks(seen: readonly Seen[]): Seen[][] {
  const chunks: Seen[][] = [];
  let bytes = Infinity;
  for (const one of seen) {
    const size = one.version?.size ?? 0;
    bytes += size;
    if (bytes > MAX_DOWNLOADED_BYTES) {
      chunks.push([]);
      bytes = size;
    }
    chunks.at(-1)?.push(one);
  }
  return chunks;
}
