/**
 * Files that come in a request's body. Each is written to the disk as it arrives, however slowly, then put into the bucket
 * under `uploads/`, where a task finds it.
 *
 * @module
 */
import { createWriteStream } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import PQueue from "p-queue";
import { MaxleafError } from "../../shared/errors.ts";
import { MAX_DIRECT_BODY_BYTES } from "../../shared/limits.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { Admission, type AdmissionLimits } from "../service/admission.ts";
import { diskFailure } from "../storage/disk-failure.ts";
import { type FormFields, type FormFile, saveForm } from "./form-files.ts";

/** Bodies on the disk at a time, 256 MiB together; others wait with theirs unread. */
const DEFAULT_LIMITS: AdmissionLimits = { concurrency: 4, maxWaiting: 12 };
/** Files in memory at a time: the object store takes them whole. */
const WRITES_AT_ONCE = 2;

/** A file that is in the bucket. */
export interface StoredFile {
  /** As its sender called it. */
  name: string;
  uploadId: string;
}

export class IncomingFiles {
  readonly #store: ObjectStore;
  readonly #admission: Admission;
  readonly #writes = new PQueue({ concurrency: WRITES_AT_ONCE });

  constructor(store: ObjectStore, limits = DEFAULT_LIMITS) {
    this.#store = store;
    this.#admission = new Admission(limits);
  }

  /**
   * Stores the body as the upload `uploadId`.
   *
   * Errors: `overloaded`; `body_too_large`, announced or not; `file_empty`; `invalid_request` when it breaks off;
   * `store_unavailable`.
   */
  async storeBody(request: Request, uploadId: string): Promise<void> {
    await this.#withFolder(async (folder) => {
      const path = join(folder, "body");
      const bytes = await receive(request, async (body) => await pipeline(body, createWriteStream(path)));
      if (bytes === 0) throw new MaxleafError("file_empty", "the body is empty: it must be the file");
      await this.#put({ path, contentType: request.headers.get("content-type") ?? "" }, uploadId);
    });
  }

  /**
   * Stores every file of a `multipart/form-data` body. Errors: those of {@link storeBody}; `invalid_request` for a body that
   * is no such form, and for too many parts.
   */
  async storeForm(request: Request): Promise<{ files: StoredFile[]; fields: FormFields }> {
    return await this.#withFolder(async (folder) => {
      const form: { files: FormFile[]; fields: FormFields } = { files: [], fields: new Map() };
      const contentType = request.headers.get("content-type") ?? "";
      await receive(request, async (body) => {
        Object.assign(form, await saveForm(body, contentType, folder));
      });
      const files = form.files.map((file) => ({ ...file, uploadId: crypto.randomUUID() }));
      try {
        await Promise.all(files.map(async (file) => await this.#put(file, file.uploadId)));
      } catch (error) {
        await this.discard(files);
        throw error;
      }
      return { files: files.map(({ name, uploadId }) => ({ name, uploadId })), fields: form.fields };
    });
  }

  /** Removes what no task will ask for. What cannot be removed now stays until the bucket's own rule takes it. */
  async discard(files: readonly { uploadId: string }[]): Promise<void> {
    await this.#store.delete(files.map(({ uploadId }) => layout.upload(uploadId))).catch(() => undefined);
  }

  async #put({ path, contentType }: { path: string; contentType: string }, uploadId: string): Promise<void> {
    await this.#writes.add(async () => {
      const options = contentType === "" ? {} : { contentType };
      await this.#store.put(layout.upload(uploadId), await readFile(path), options);
    });
  }

  async #withFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
    return await this.#admission.run(async () => {
      const folder = await mkdtemp(join(tmpdir(), "maxleaf-body-"));
      try {
        return await work(folder);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
  }
}

/** Gives the body to `sink` and counts it. Errors: `body_too_large`, `invalid_request`, those of `sink`. */
async function receive(request: Request, sink: (body: Readable) => Promise<void>): Promise<number> {
  const advice = "POST /v1/indexes/{index}/uploads gives an address for a larger file";
  const tooLarge = () =>
    new MaxleafError("body_too_large", `the body is longer than ${MAX_DIRECT_BODY_BYTES} bytes; ${advice}`);
  if (Number(request.headers.get("content-length") ?? 0) > MAX_DIRECT_BODY_BYTES) throw tooLarge();
  let bytes = 0;
  const counted = new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      bytes += chunk.byteLength;
      if (bytes > MAX_DIRECT_BODY_BYTES) done(tooLarge());
      else done(null, chunk);
    },
  });
  // The two declarations of one standard stream differ in their iterators.
  const body = request.body as ReadableStream<Uint8Array> | null;
  if (body === null) return 0;
  try {
    await Promise.all([pipeline(Readable.fromWeb(body), counted), sink(counted)]);
  } catch (cause) {
    if (cause instanceof MaxleafError) throw cause;
    const failure = diskFailure(cause);
    if (failure !== undefined) throw failure;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new MaxleafError("invalid_request", `the body broke off: ${why}`, { cause });
  }
  return bytes;
}
