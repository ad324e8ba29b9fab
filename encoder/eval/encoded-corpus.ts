/**
 * The encoded pages of a data set, kept on disk between runs: encoding is by far the longest part of an evaluation.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { toMaxleafError } from "../../shared/errors.ts";
import { RecordFile } from "../indexing/record-file.ts";
import type { Model, ModelPage, PageInput } from "../models/model.ts";
import { parseOcrLanguages } from "../ocr/languages.ts";
import type { PageReader } from "../ocr/page-reader.ts";
import { TesseractReader } from "../ocr/tesseract-reader.ts";
import { readCorpus } from "./corpus-pages.ts";
import { type Corpus, pageKey } from "./datasets.ts";

/** Raise it when words are read from pages in another way: cached pages of older versions are encoded again. */
const CACHE_VERSION = 1;
/** Pages handed to the model at once, of one document or several: models batch what they get. */
const PAGES_PER_CALL = 32;
/** Pages handed to a model that looks at them: a raw picture has up to 11 MB. */
const PICTURES_PER_CALL = 4;

const corpusIndexSchema = z.strictObject({
  encodeSeconds: z.number(),
  failedFiles: z.array(z.strictObject({ name: z.string(), reason: z.string() })),
  documents: z.array(
    z.strictObject({
      name: z.string(),
      pages: z.array(
        z.strictObject({ pageNumber: z.number(), vectorCount: z.number(), offset: z.number(), length: z.number() }),
      ),
    }),
  ),
});
type CorpusIndex = z.infer<typeof corpusIndexSchema>;
type CachedPage = CorpusIndex["documents"][number]["pages"][number];

export interface EncodeCorpusOptions {
  corpus: Corpus;
  model: Model;
  cacheFolder: string;
  maxTokens?: number | undefined;
  /** Languages in which pages without a text layer are read, as `parseOcrLanguages` takes them; undefined: they have no words. */
  ocrLanguage?: string | undefined;
  onPages?: ((done: number) => void) | undefined;
}

export class EncodedCorpus {
  readonly documents: CorpusIndex["documents"];
  /** Files that could not be read, with the reason. */
  readonly failedFiles: CorpusIndex["failedFiles"];
  /** What encoding took when it was done. */
  readonly encodeSeconds: number;
  readonly wasCached: boolean;
  readonly #file: RecordFile<ModelPage>;

  private constructor(file: RecordFile<ModelPage>, index: CorpusIndex, wasCached: boolean) {
    this.documents = index.documents;
    this.failedFiles = index.failedFiles;
    this.encodeSeconds = index.encodeSeconds;
    this.wasCached = wasCached;
    this.#file = file;
  }

  /** From the cache, or encoded now. Close it after use. */
  static async open(options: EncodeCorpusOptions): Promise<EncodedCorpus> {
    await mkdir(options.cacheFolder, { recursive: true });
    const base = path.join(options.cacheFolder, await cacheName(options));
    const files = { pages: `${base}.pages`, index: `${base}.json` };
    const cached = await openCached(files);
    if (cached !== undefined) return new EncodedCorpus(cached.file, cached.index, true);
    const file = await RecordFile.create<ModelPage>(files.pages);
    const index = await encodeInto(file, options);
    // Last, and at once: an interrupted run leaves no index, so nothing half done is taken for a corpus.
    await writeFile(`${files.index}.new`, JSON.stringify(index));
    await rename(`${files.index}.new`, files.index);
    return new EncodedCorpus(file, index, false);
  }

  get pageCount(): number {
    return this.documents.reduce((sum, document) => sum + document.pages.length, 0);
  }

  get vectorCount(): number {
    return this.documents.flatMap((document) => document.pages).reduce((sum, page) => sum + page.vectorCount, 0);
  }

  /** Keys of all pages, in order. */
  get pageKeys(): string[] {
    return this.documents.flatMap(({ name, pages }) => pages.map((page) => pageKey(name, page.pageNumber)));
  }

  /** All pages, or those of one document, in order. */
  async *pages(documents: Iterable<{ pages: readonly CachedPage[] }> = this.documents): AsyncGenerator<ModelPage> {
    for (const document of documents) {
      for (const page of document.pages) yield await this.#file.read(page);
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

async function encodeInto(file: RecordFile<ModelPage>, options: EncodeCorpusOptions): Promise<CorpusIndex> {
  const languages = ocrLanguageOf(options);
  const pageReader =
    languages === undefined ? undefined : new TesseractReader({ languages: parseOcrLanguages(languages) });
  try {
    return await encodeDocuments(file, options, pageReader);
  } finally {
    pageReader?.close();
  }
}

/** Texts have nothing to read, and a recipe that looks at pages needs no words. */
function ocrLanguageOf({ corpus, model, ocrLanguage }: EncodeCorpusOptions): string | undefined {
  return corpus.kind === "texts" || model.pictureLongEdgePx !== undefined ? undefined : ocrLanguage;
}

async function encodeDocuments(
  file: RecordFile<ModelPage>,
  { corpus, model, maxTokens, onPages }: EncodeCorpusOptions,
  pageReader: PageReader | undefined,
): Promise<CorpusIndex> {
  const { pictureLongEdgePx } = model;
  const perCall = pictureLongEdgePx === undefined ? PAGES_PER_CALL : PICTURES_PER_CALL;
  const index: CorpusIndex = { encodeSeconds: 0, failedFiles: [], documents: [] };
  let batch: { page: PageInput; document: CorpusIndex["documents"][number] }[] = [];
  let done = 0;
  const flush = async () => {
    const startMs = performance.now();
    const encoded = await model.encodePages(batch.map(({ page }) => page));
    index.encodeSeconds += (performance.now() - startMs) / 1_000;
    for (const [at, page] of encoded.entries()) {
      const { pageNumber, vectorCount } = page;
      batch[at]?.document.pages.push({ pageNumber, vectorCount, ...(await file.append(page)) });
    }
    done += batch.length;
    batch = [];
    onPages?.(done);
  };
  for await (const { name, pages } of readCorpus(corpus, { maxTokens, pictureLongEdgePx, pageReader })) {
    const document = { name, pages: [] };
    try {
      for await (const page of readable(pages)) {
        batch.push({ page, document });
        if (batch.length === perCall) await flush();
      }
    } catch (error) {
      if (!(error instanceof UnreadableFile)) throw error;
      index.failedFiles.push({ name, reason: error.message });
      continue;
    }
    index.documents.push(document);
  }
  if (batch.length > 0) await flush();
  return index;
}

/** The data set's fault, not the model's: the evaluation goes on without the file. */
class UnreadableFile extends Error {}

async function* readable<T>(pages: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* pages;
  } catch (cause) {
    throw new UnreadableFile(toMaxleafError(cause).message, { cause });
  }
}

async function cacheName(options: EncodeCorpusOptions): Promise<string> {
  const { corpus, model, maxTokens } = options;
  const hash = createHash("sha256").update(JSON.stringify([CACHE_VERSION, maxTokens ?? null]));
  const languages = ocrLanguageOf(options);
  if (languages !== undefined) hash.update(`ocr ${languages}`);
  if (corpus.kind === "texts") hash.update(JSON.stringify(corpus.texts));
  else if (corpus.kind === "pictures") hash.update(corpus.version);
  else for (const { name, path: file } of corpus.files) hash.update(JSON.stringify(name)).update(await readFile(file));
  return `${model.recipe.name}-${model.recipeFingerprint}-${hash.digest("hex").slice(0, 16)}`;
}

async function openCached(files: { pages: string; index: string }) {
  try {
    const index = corpusIndexSchema.parse(JSON.parse(await readFile(files.index, "utf8")));
    return { index, file: await RecordFile.open<ModelPage>(files.pages) };
  } catch {
    // Absent, or by another version: encode again.
    return undefined;
  }
}
