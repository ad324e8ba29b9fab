/**
 * Sets of PDFs whose questions name the pages that answer them: `pdf/` and `questions.jsonl`.
 *
 * @module
 */
import { readdir } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { quote } from "../../../shared/errors.ts";
import { type Dataset, invalid, pageKey, withRelevantPages } from "./dataset.ts";
import { readJsonLines } from "./lines.ts";

const questionSchema = z.object({
  id: z.string().min(1),
  question: z.string().min(1),
  language: z.string().min(1).optional(),
  pdf: z.string().min(1),
  pages: z.array(z.number().int().min(1)).min(1),
});

export async function readPdfs(folder: string): Promise<Omit<Dataset, "name">> {
  const pdfFolder = path.join(folder, "pdf");
  const names = (await readdir(pdfFolder).catch(() => [])).filter((name) => !name.startsWith(".")).toSorted();
  const known = new Set(names);
  const questions = await readJsonLines(path.join(folder, "questions.jsonl"), questionSchema);
  const queries = questions.map(({ where, value: { id, question, language, pdf, pages } }) => {
    if (!known.has(pdf)) throw invalid(`${where}: there is no file ${quote(pdf)} in ${pdfFolder}`);
    return { id, text: question, language, judgements: new Map(pages.map((page) => [pageKey(pdf, page), 1])) };
  });
  const files = names.map((name) => ({ name, path: path.join(pdfFolder, name) }));
  return { corpus: { kind: "pdfs", files }, ...withRelevantPages(queries) };
}
