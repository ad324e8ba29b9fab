/**
 * Sets of page images in the layouts of ViDoRe, as folders of the hub:
 *
 * - v1: rows of `image`, `image_filename` and perhaps `query` (also `text_description` where it was made); every row is a page, and
 *   the page of a query is the one in its row, read as `vidore-benchmark`'s ViDoReEvaluatorQA does.
 * - v2, and v1 as converted for MTEB: tables `corpus` (`corpus-id`, `image`), `queries` (`query-id`, `query`, perhaps `language`) and
 *   `qrels` (`query-id`, `corpus-id`, `score`).
 * - v3: the same with `corpus_id` and `query_id`, and the page's text in `markdown`.
 *
 * Column names are those of MTEB's `vidore2_bench_retrieval.py` and `vidore3_bench_retrieval.py` and of the data cards.
 *
 * @module
 */
import path from "node:path";
import { quote } from "../../../shared/errors.ts";
import { ParquetTable, type Cell } from "./parquet.ts";
import {
  type Corpus,
  type CorpusPicture,
  type Dataset,
  documentName,
  invalid,
  type JudgementRow,
  judgementsByQuery,
  pageKey,
  withRelevantPages,
} from "./dataset.ts";

const IMAGE = "image";
/** Columns with the text of a page, the first that a set has. */
const TEXT_COLUMNS = ["markdown", "text_description"];

/** ViDoRe v2 and v3. */
export async function readBeirPictures(folder: string, split: string | undefined): Promise<Omit<Dataset, "name">> {
  const corpus = await ParquetTable.open(path.join(folder, "corpus"), split, [IMAGE]);
  const separator = corpus.columns.has("corpus_id") ? "_" : "-";
  const [corpusId, queryId] = [`corpus${separator}id`, `query${separator}id`];
  const pictures = await readPictures(corpus, corpusId);
  const queries = await ParquetTable.open(path.join(folder, "queries"), split, [queryId, "query"]);
  const languages = queries.columns.has("language") ? ["language"] : [];
  const questions = (await queries.rows([queryId, "query", ...languages])).map(({ where, row }) => ({
    id: textOf(row[queryId], where, queryId),
    text: textOf(row["query"], where, "query"),
    language: row["language"] === undefined ? undefined : textOf(row["language"], where, "language"),
  }));
  const qrels = await ParquetTable.open(path.join(folder, "qrels"), split, [queryId, corpusId, "score"]);
  const judgementRows = (await qrels.rows([queryId, corpusId, "score"])).map(({ where, row }): JudgementRow => {
    const [query, document] = [textOf(row[queryId], where, queryId), textOf(row[corpusId], where, corpusId)];
    return { where, query, document, grade: gradeOf(row["score"], where) };
  });
  const judgements = judgementsByQuery(judgementRows, {
    queries: new Set(questions.map(({ id }) => id)),
    documents: new Set(pictures.map(({ name }) => name)),
  });
  const list = questions.map((question) => ({ ...question, judgements: judgements.get(question.id) ?? new Map() }));
  return { corpus: picturesCorpus(pictures, corpus), ...withRelevantPages(list) };
}

/** ViDoRe v1. Rows of one file name are one page, and a question asked twice is asked once, of the page where it stands last. */
export async function readQuestionedPictures(
  folder: string,
  split: string | undefined,
): Promise<Omit<Dataset, "name">> {
  const table = await ParquetTable.open(folder, split, [IMAGE, "image_filename", "query"]);
  const pictures = await readPictures(table, "image_filename");
  const pageOf = new Map<string, string>();
  for (const { where, row } of await table.rows(["query", "image_filename"])) {
    const { query } = row;
    if (query === null || query === undefined) continue;
    pageOf.set(textOf(query, where, "query"), pictureName(row["image_filename"], where, "image_filename"));
  }
  const queries = [...pageOf].map(([text, name], at) => {
    return { id: String(at), text, judgements: new Map([[pageKey(name, 1), 1]]) };
  });
  return { corpus: picturesCorpus(pictures, table), ...withRelevantPages(queries) };
}

function picturesCorpus(pictures: readonly CorpusPicture[], table: ParquetTable): Corpus {
  return { kind: "pictures", pictures, version: table.version };
}

async function readPictures(table: ParquetTable, nameColumn: string): Promise<CorpusPicture[]> {
  if (!table.columns.has(nameColumn)) {
    throw invalid(`the corpus has no column ${quote(nameColumn)}; it has ${[...table.columns].join(", ")}`);
  }
  const textColumn = TEXT_COLUMNS.find((column) => table.columns.has(column));
  const rows = await table.rows(textColumn === undefined ? [nameColumn] : [nameColumn, textColumn]);
  const pictures = new Map<string, CorpusPicture>();
  for (const [at, { where, row }] of rows.entries()) {
    const name = pictureName(row[nameColumn], where, nameColumn);
    if (pictures.has(name)) continue;
    const text = textColumn === undefined ? undefined : row[textColumn];
    const read = async () => imageBytes(await table.cell(at, IMAGE), where);
    pictures.set(name, { name, text: typeof text === "string" ? text : undefined, read });
  }
  return [...pictures.values()];
}

/** File names may begin with a slash, which no document's name does. */
function pictureName(cell: Cell, where: string, column: string): string {
  return documentName(textOf(cell, where, column).replace(/^\/+/, ""), where);
}

/** `datasets` keeps an image as a struct of the file's bytes and its path. */
function imageBytes(cell: Cell, where: string): Uint8Array {
  if (cell instanceof Uint8Array) return cell;
  if (typeof cell === "object" && cell !== null && "bytes" in cell && cell.bytes instanceof Uint8Array) {
    return cell.bytes;
  }
  throw invalid(`${where}: the column image holds no image file`);
}

function textOf(cell: Cell, where: string, column: string): string {
  if (typeof cell === "string" && cell !== "") return cell;
  if (typeof cell === "number" || typeof cell === "bigint") return String(cell);
  throw invalid(`${where}: the column ${column} holds neither text nor a number`);
}

function gradeOf(cell: Cell, where: string): number {
  const grade = Number(cell);
  if ((typeof cell === "number" || typeof cell === "bigint") && Number.isInteger(grade)) return grade;
  throw invalid(`${where}: the column score holds no whole number`);
}
