/**
 * Data sets to measure search on: texts in the layout of BEIR (https://github.com/beir-cellar/beir), or PDFs with
 * questions whose answers lie on known pages.
 *
 * @module
 */
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { parseDocumentName } from "../../shared/names.ts";
import type { Judgements } from "./metrics.ts";

export interface EvalQuery {
  id: string;
  text: string;
  /** By {@link pageKey}. */
  judgements: Judgements;
}

/** A text is one page; a PDF is a document of several. */
export type Corpus =
  | { kind: "texts"; texts: readonly CorpusText[] }
  | { kind: "pdfs"; files: readonly { name: string; path: string }[] };

export interface CorpusText {
  name: string;
  /** Title and text. */
  text: string;
}

export interface Dataset {
  name: string;
  corpus: Corpus;
  /** Those with at least one relevant page: the others can only lower every mean. */
  queries: readonly EvalQuery[];
  /** Queries left out because nothing is judged relevant. */
  unjudgedQueries: number;
}

/** What rankings and judgements call a page. */
export function pageKey(documentName: string, pageNumber: number): string {
  return `${documentName}#${pageNumber}`;
}

/**
 * Reads the data set in `folder`: `corpus.jsonl`, `queries.jsonl` and `qrels.tsv`, or `pdf/` and `questions.jsonl`.
 *
 * @throws MaxleafError `invalid_request`, naming the file and the line.
 */
export async function readDataset(folder: string): Promise<Dataset> {
  const name = path.basename(path.resolve(folder));
  const has = async (entry: string) => (await stat(path.join(folder, entry)).catch(() => undefined)) !== undefined;
  if (await has("corpus.jsonl")) return { name, ...(await readTexts(folder)) };
  if (await has("questions.jsonl")) return { name, ...(await readPdfs(folder)) };
  throw invalid(
    `${folder} is no data set: it has neither corpus.jsonl (with queries.jsonl and qrels.tsv) nor questions.jsonl (with pdf/)`,
  );
}

const textSchema = z.object({ id: z.string().min(1), title: z.string().default(""), text: z.string() });
const querySchema = z.object({ id: z.string().min(1), text: z.string().min(1) });
const questionSchema = z.object({
  id: z.string().min(1),
  question: z.string().min(1),
  pdf: z.string().min(1),
  pages: z.array(z.number().int().min(1)).min(1),
});

async function readTexts(folder: string): Promise<Omit<Dataset, "name">> {
  const texts = await readJsonLines(path.join(folder, "corpus.jsonl"), textSchema);
  const corpusTexts = texts.map(({ where, value: { id, title, text } }) => {
    return { name: checkName(id, where), text: `${title} ${text}`.trim() };
  });
  const queries = await readJsonLines(path.join(folder, "queries.jsonl"), querySchema);
  const judgements = await readJudgements(path.join(folder, "qrels.tsv"), {
    queries: new Set(queries.map(({ value }) => value.id)),
    documents: new Set(texts.map(({ value }) => value.id)),
  });
  const list = queries.map(({ value: { id, text } }) => ({ id, text, judgements: judgements.get(id) ?? new Map() }));
  return { corpus: { kind: "texts", texts: corpusTexts }, ...withRelevantPages(list) };
}

async function readPdfs(folder: string): Promise<Omit<Dataset, "name">> {
  const pdfFolder = path.join(folder, "pdf");
  const names = (await readdir(pdfFolder).catch(() => [])).filter((name) => !name.startsWith(".")).toSorted();
  const known = new Set(names);
  const questions = await readJsonLines(path.join(folder, "questions.jsonl"), questionSchema);
  const queries = questions.map(({ where, value: { id, question, pdf, pages } }) => {
    if (!known.has(pdf)) throw invalid(`${where}: there is no file ${quote(pdf)} in ${pdfFolder}`);
    return { id, text: question, judgements: new Map(pages.map((page) => [pageKey(pdf, page), 1])) };
  });
  const files = names.map((name) => ({ name, path: path.join(pdfFolder, name) }));
  return { corpus: { kind: "pdfs", files }, ...withRelevantPages(queries) };
}

function withRelevantPages(queries: readonly EvalQuery[]): Pick<Dataset, "queries" | "unjudgedQueries"> {
  const judged = queries.filter(({ judgements }) => [...judgements.values()].some((grade) => grade > 0));
  if (judged.length === 0) throw invalid("no query of the data set has a relevant page");
  return { queries: judged, unjudgedQueries: queries.length - judged.length };
}

/** `query⇥document⇥grade` lines by query. A heading as in BEIR's own files is skipped. */
async function readJudgements(
  file: string,
  known: { queries: ReadonlySet<string>; documents: ReadonlySet<string> },
): Promise<Map<string, Map<string, number>>> {
  const judgements = new Map<string, Map<string, number>>();
  for (const { where, line, number } of await readLines(file)) {
    const [query = "", document = "", gradeText = "", ...rest] = line.split("\t");
    if (number === 1 && query === "query-id") continue;
    const grade = Number(gradeText);
    if (gradeText === "" || !Number.isInteger(grade) || rest.length > 0) {
      throw invalid(`${where}: expected "query⇥document⇥grade" with a whole number, not ${quote(line)}`);
    }
    if (!known.queries.has(query)) throw invalid(`${where}: queries.jsonl has no query ${quote(query)}`);
    if (!known.documents.has(document)) throw invalid(`${where}: corpus.jsonl has no document ${quote(document)}`);
    const ofQuery = judgements.get(query) ?? new Map<string, number>();
    ofQuery.set(pageKey(document, 1), grade);
    judgements.set(query, ofQuery);
  }
  return judgements;
}

async function readJsonLines<Schema extends z.ZodType<{ id: string }>>(
  file: string,
  schema: Schema,
): Promise<{ where: string; value: z.infer<Schema> }[]> {
  const ids = new Set<string>();
  const lines = await readLines(file);
  return lines.map(({ where, line }) => {
    const value = parseLine(line, schema, where);
    if (ids.has(value.id)) throw invalid(`${where}: the id ${quote(value.id)} was used before`);
    ids.add(value.id);
    return { where, value };
  });
}

function parseLine<Schema extends z.ZodType>(line: string, schema: Schema, where: string): z.infer<Schema> {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch (cause) {
    throw invalid(`${where}: not JSON: ${quote(line)}`, cause);
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw invalid(`${where}: ${issue?.path.join(".") ?? "the line"}: ${issue?.message ?? "not as expected"}`);
}

/** Lines that are not blank, with their place for errors. */
async function readLines(file: string): Promise<{ where: string; line: string; number: number }[]> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (cause) {
    throw invalid(`${file} cannot be read`, cause);
  }
  return text
    .split(/\r?\n/)
    .map((line, position) => ({ where: `${file}:${position + 1}`, line, number: position + 1 }))
    .filter(({ line }) => line.trim() !== "");
}

function checkName(id: string, where: string): string {
  try {
    return parseDocumentName(id);
  } catch (cause) {
    throw invalid(`${where}: ${cause instanceof Error ? cause.message : "bad id"}`, cause);
  }
}

function invalid(message: string, cause?: unknown): MaxleafError {
  return new MaxleafError("invalid_request", message, cause === undefined ? {} : { cause });
}
