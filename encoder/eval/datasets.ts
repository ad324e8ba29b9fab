/**
 * Data sets to measure search on: texts as BEIR has them, page images as ViDoRe has them, or PDFs with questions whose answers
 * lie on known pages.
 *
 * @module
 */
import { stat } from "node:fs/promises";
import path from "node:path";
import { type Dataset, invalid } from "./datasets/dataset.ts";
import { findParquet } from "./datasets/parquet.ts";
import { readPdfs } from "./datasets/pdfs.ts";
import { readTexts } from "./datasets/texts.ts";
import { readBeirPictures, readQuestionedPictures } from "./datasets/vidore.ts";

export { type Corpus, type CorpusPicture, type CorpusText, type Dataset, pageKey } from "./datasets/dataset.ts";

/**
 * Reads the data set in `folder`:
 *
 * - `corpus.jsonl`, `queries.jsonl` and `qrels/*.tsv` or `qrels.tsv`;
 * - `pdf/` and `questions.jsonl`;
 * - parquet files in `corpus/`, `queries/` and `qrels/` (ViDoRe v2 and v3, and v1 as converted for MTEB);
 * - parquet files of rows with an image and perhaps a question (ViDoRe v1).
 *
 * @param split of the judgements, where a set has several; default `test`.
 * @throws MaxleafError `invalid_request`, naming the file and the line or row.
 */
export async function readDataset(folder: string, split?: string): Promise<Dataset> {
  const name = path.basename(path.resolve(folder));
  const has = async (entry: string) => (await stat(path.join(folder, entry)).catch(() => undefined)) !== undefined;
  if (await has("corpus.jsonl")) return { name, ...(await readTexts(folder, split)) };
  if (await has("questions.jsonl")) {
    if (split !== undefined) throw invalid(`${folder} has no splits`);
    return { name, ...(await readPdfs(folder)) };
  }
  if ((await findParquet(path.join(folder, "corpus"))).length > 0) {
    return { name, ...(await readBeirPictures(folder, split)) };
  }
  for (const rows of [path.join(folder, "data"), folder]) {
    if ((await findParquet(rows)).length > 0) return { name, ...(await readQuestionedPictures(rows, split)) };
  }
  throw invalid(
    `${folder} is no data set: it has neither corpus.jsonl (with queries.jsonl and qrels.tsv) nor questions.jsonl (with pdf/) nor parquet files`,
  );
}
