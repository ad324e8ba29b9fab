/**
 * Files of one JSON object or one table row a line, with the line's place in every error.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import type { z } from "zod";
import { quote } from "../../../shared/errors.ts";
import { invalid, type JudgementRow } from "./dataset.ts";

export interface Line {
  /** `file:line`, for errors. */
  where: string;
  line: string;
  /** 1-based. */
  number: number;
}

/** Lines that are not blank. Not by `readline`, which also splits at U+2028, as JSON may hold. */
export async function readLines(file: string): Promise<Line[]> {
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

/** The objects of a file, with ids that differ from one another. */
export async function readJsonLines<Schema extends z.ZodType<{ id: string }>>(
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

/** `query⇥document⇥grade` lines. A heading as in BEIR's own files is skipped. */
export async function readJudgementLines(file: string): Promise<JudgementRow[]> {
  const rows: JudgementRow[] = [];
  for (const { where, line, number } of await readLines(file)) {
    const [query = "", document = "", gradeText = "", ...rest] = line.split("\t");
    if (number === 1 && query === "query-id") continue;
    const grade = Number(gradeText);
    if (gradeText === "" || !Number.isInteger(grade) || rest.length > 0) {
      throw invalid(`${where}: expected "query⇥document⇥grade" with a whole number, not ${quote(line)}`);
    }
    rows.push({ where, query, document, grade });
  }
  return rows;
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
