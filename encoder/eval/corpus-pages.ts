/**
 * The documents of a data set as the words of their pages.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { loadTokenizer, type WordTokenizer } from "../models/minilm/tokens.ts";
import { SPECIALS_PER_WINDOW } from "../models/minilm/trunk.ts";
import type { PageInput } from "../models/model.ts";
import type { PageReader } from "../ocr/page-reader.ts";
import { ScanReading } from "../ocr/scan-reading.ts";
import { RenderPool } from "../render/render-pool.ts";
import type { Corpus, CorpusPicture, CorpusText } from "./datasets.ts";

export interface CorpusDocument {
  name: string;
  /** Read as they are asked for: the pictures of a long document do not fit into memory. Throws where the file cannot be read. */
  pages: AsyncIterable<PageInput>;
}

export interface ReadCorpusOptions {
  /** Texts are cut to this many BERT tokens, [CLS] and [SEP] included, as sentence-transformers counts. */
  maxTokens?: number | undefined;
  /** Long edge of the pictures that the recipe wants; undefined: it works from words. */
  pictureLongEdgePx?: number | undefined;
  /** Reads pages without a text layer; undefined: they have no words. */
  pageReader?: PageReader | undefined;
}

/**
 * Documents in the order of the corpus. A text is one page whose words have no place on it, and so is what a set says is on a
 * picture.
 */
export function readCorpus(corpus: Corpus, options: ReadCorpusOptions = {}): AsyncGenerator<CorpusDocument> {
  if (corpus.kind === "texts") return readTexts(corpus.texts, options);
  if (corpus.kind === "pictures") return readPictures(corpus.pictures, options);
  return readFiles(
    corpus.files.map(({ name, path }) => ({ name, documentName: name, read: async () => await readFile(path) })),
    options,
  );
}

async function* readTexts(
  texts: readonly CorpusText[],
  { maxTokens }: ReadCorpusOptions,
): AsyncGenerator<CorpusDocument> {
  const tokenizer = maxTokens === undefined ? undefined : await loadTokenizer();
  for (const { name, text } of texts) {
    const words = text.match(/\S+/g) ?? [];
    const kept = tokenizer === undefined ? words : firstTokens(words, tokenizer, maxTokens ?? Infinity);
    const page = { pageNumber: 1, width: 1, height: 1, words: kept.map((word) => ({ text: word, box: WHOLE_PAGE })) };
    yield { name, pages: only(page) };
  }
}

const WHOLE_PAGE = [0, 0, 1, 1] as const;

function firstTokens(words: readonly string[], tokenizer: WordTokenizer, maxTokens: number): readonly string[] {
  let room = maxTokens - SPECIALS_PER_WINDOW;
  const end = words.findIndex((word) => (room -= tokenizer.splitWord(word).length) < 0);
  return end < 0 ? words : words.slice(0, end);
}

/** The words of a picture are what the set gives, if it does and the recipe does not look at the picture itself. */
async function* readPictures(
  pictures: readonly CorpusPicture[],
  options: ReadCorpusOptions,
): AsyncGenerator<CorpusDocument> {
  const texts = pictures.flatMap(({ name, text }) => (text === undefined ? [] : [{ name, text }]));
  if (options.pictureLongEdgePx === undefined && texts.length === pictures.length) yield* readTexts(texts, options);
  else yield* readFiles(pictures, options);
}

async function* readFiles(files: readonly CorpusFile[], options: ReadCorpusOptions): AsyncGenerator<CorpusDocument> {
  await using pool = new RenderPool({ processes: 1 });
  for (const file of files) yield { name: file.name, pages: pagesOf(pool, file, options) };
}

interface CorpusFile {
  name: string;
  /** Absent: the name is an id of the set, which says nothing. */
  documentName?: string;
  read: () => Promise<Uint8Array>;
}

async function* pagesOf(
  pool: RenderPool,
  { name, documentName, read }: CorpusFile,
  { pictureLongEdgePx, pageReader }: ReadCorpusOptions,
): AsyncGenerator<PageInput> {
  const scans = pageReader === undefined ? undefined : new ScanReading(pageReader);
  const document = await pool.open({ name, bytes: await read() }, { pictureLongEdgePx });
  for await (const rendered of document) {
    const { page } = (await scans?.read(rendered)) ?? { page: rendered };
    const { pageNumber, width, height, words, textSource, picture } = page;
    yield { pageNumber, width, height, words, textSource, picture, documentName };
  }
}

async function* only<T>(value: T): AsyncGenerator<T> {
  yield value;
}
