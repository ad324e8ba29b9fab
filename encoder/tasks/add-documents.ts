/**
 * Does tasks of the type `documents.add`: fetches the documents into files and ingests them.
 *
 * Documents that are settled already, by an attempt before this one, are left alone. So a task that a crash interrupts
 * goes on where it was; what was committed and not yet noted is found to be unchanged.
 *
 * @module
 */
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pRetry from "p-retry";
import { MaxleafError, quote, toMaxleafError } from "../../shared/errors.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import type { FoundFile } from "../ingest/discover.ts";
import { currentVersion, downloadVersion } from "../worker/source-object.ts";
import { isForAll, type IndexSink } from "../worker/sync-documents.ts";
import type { FetchDocument } from "./ports.ts";
import { MAX_ERROR_CHARS, SETTLED } from "./task-record.ts";
import type { TaskSession } from "./task-session.ts";

/** Files on the disk at a time: four of the largest, and one more for each download that is under way. */
const MAX_FETCHED_BYTES = 1024 * 1024 * 1024;
const FETCHES_AT_ONCE = 4;
/** A server that is away for a moment: again after 1, 2 and 4 s. */
const FETCH_RETRIES = 3;
const FETCH_RETRY_MS = 1_000;

export interface AddDocumentsOptions {
  store: ObjectStore;
  sink: Pick<IndexSink, "ingest">;
  /** Absent: documents by address are refused. */
  fetchDocument?: FetchDocument | undefined;
  /** Stops the work: finished documents are committed, unless the task is canceled. */
  signal: AbortSignal;
  /** First pause between attempts to fetch; the usual by default. */
  fetchRetryMs?: number | undefined;
}

/** A document in a file, and where it is in the task. */
interface FetchedDocument {
  at: number;
  file: FoundFile;
}

/**
 * Adds the documents of the session's task that are not settled, and settles them; when it is stopped, not all.
 *
 * Errors: those that are no document's fault (see `isForAll`).
 */
export async function addDocuments(session: TaskSession, options: AddDocumentsOptions): Promise<void> {
  await new Addition(session, options).run();
}

class Addition {
  readonly #session: TaskSession;
  readonly #options: AddDocumentsOptions;
  /** Aborted by a failure that is no document's: what is being fetched beside it is of no use any more. */
  readonly #failure = new AbortController();
  readonly #stop: AbortSignal;

  constructor(session: TaskSession, options: AddDocumentsOptions) {
    this.#session = session;
    this.#options = options;
    this.#stop = AbortSignal.any([options.signal, session.canceled, session.lost, this.#failure.signal]);
  }

  async run(): Promise<void> {
    const left = this.#session.documents.flatMap(({ status }, at) => (SETTLED.has(status) ? [] : [at]));
    while (left.length > 0 && !this.#stop.aborted) {
      const folder = await mkdtemp(join(tmpdir(), "maxleaf-task-"));
      try {
        const fetched = await this.#fetchSome(left, folder);
        if (fetched.length > 0 && !this.#stop.aborted) await this.#ingest(fetched);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    }
  }

  /** Takes from `left` until the files have MAX_FETCHED_BYTES. */
  async #fetchSome(left: number[], folder: string): Promise<FetchedDocument[]> {
    const fetched: FetchedDocument[] = [];
    let bytes = 0;
    const fetchNext = async (): Promise<void> => {
      while (left.length > 0 && bytes < MAX_FETCHED_BYTES && !this.#stop.aborted) {
        const at = left.shift();
        if (at === undefined) return;
        const file = await this.#fetch(at, join(folder, String(at)));
        if (file === undefined) continue;
        bytes += file.bytes;
        fetched.push({ at, file });
      }
    };
    // All of them, after a failure too: none may write into a folder that is gone.
    const ends = await Promise.allSettled(Array.from({ length: FETCHES_AT_ONCE }, fetchNext));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
    return fetched.toSorted((a, b) => a.at - b.at);
  }

  /** Undefined for a document that has failed, or when the work was stopped. */
  async #fetch(at: number, path: string): Promise<FoundFile | undefined> {
    const input = this.#session.record.inputs[at];
    const document = this.#session.documents[at];
    if (input === undefined || document === undefined) return undefined;
    this.#session.setDocument(at, { status: "processing" });
    try {
      const { source, metadata } = input;
      if (source.kind === "upload") await this.#fetchUpload(source.uploadId, path);
      else await this.#fetchUrl(source.url, path);
      const { size: bytes } = await stat(path);
      return { name: document.name, path, bytes, ...(metadata && { metadata }) };
    } catch (error) {
      if (this.#stop.aborted) return undefined;
      const failure = toMaxleafError(error);
      if (isForAll(failure.code)) {
        this.#failure.abort();
        throw failure;
      }
      this.#fail(at, failure);
      return undefined;
    }
  }

  async #fetchUpload(id: string, path: string): Promise<void> {
    const key = layout.upload(id);
    const version = await currentVersion(this.#options.store, key);
    if (version !== undefined && (await downloadVersion(this.#options.store, key, version, path))) return;
    throw new MaxleafError("upload_not_found", `there is no upload ${quote(id)}, or not any more`);
  }

  async #fetchUrl(url: string, path: string): Promise<void> {
    const { fetchDocument, fetchRetryMs = FETCH_RETRY_MS } = this.#options;
    if (fetchDocument === undefined) {
      throw new MaxleafError("url_not_allowed", "this worker fetches no documents from addresses");
    }
    await pRetry(
      async () => {
        // What an attempt before has left.
        await rm(path, { force: true });
        await fetchDocument(url, path, this.#stop);
      },
      {
        retries: FETCH_RETRIES,
        minTimeout: fetchRetryMs,
        signal: this.#stop,
        shouldRetry: ({ error }) => error instanceof MaxleafError && error.code === "fetch_failed",
      },
    );
  }

  async #ingest(fetched: readonly FetchedDocument[]): Promise<void> {
    const { sink } = this.#options;
    const session = this.#session;
    const places = new Map(fetched.map(({ at, file }) => [file.name, at]));
    const finishedAs = new Map<string, "added" | "replaced">();
    const set = (name: string, change: Parameters<TaskSession["setDocument"]>[1]) => {
      const at = places.get(name);
      if (at !== undefined) session.setDocument(at, change);
    };
    // An attempt that was given back may have counted some.
    for (const { at } of fetched) session.setDocument(at, { pagesDone: 0, pagesWithoutText: 0 });
    const files = fetched.map(({ file }) => file);
    const { failed } = await sink.ingest(session.record.task.index, files, {
      signal: this.#stop,
      discard: AbortSignal.any([session.canceled, session.lost]),
      onPage: (name, pageCount, searchable) => {
        const { pagesDone = 0, pagesWithoutText = 0 } = session.documents[places.get(name) ?? -1] ?? {};
        set(name, {
          pageCount,
          pagesDone: pagesDone + 1,
          pagesWithoutText: pagesWithoutText + (searchable ? 0 : 1),
        });
      },
      onFile: (name, outcome) => {
        if (outcome === "unchanged") set(name, { status: outcome });
        else if (outcome !== "failed") finishedAs.set(name, outcome);
      },
      onCommitted: (name) => set(name, { status: finishedAs.get(name) ?? "added" }),
    });
    for (const { name, code, reason } of failed) {
      const at = places.get(name);
      if (at !== undefined) this.#fail(at, { code, message: reason });
    }
  }

  #fail(at: number, { code, message }: { code: string; message: string }): void {
    this.#session.setDocument(at, { status: "failed", error: { code, detail: message.slice(0, MAX_ERROR_CHARS) } });
  }
}
