/**
 * Reads a file of questions.
 *
 * @module
 */
import { readFile, stat } from "node:fs/promises";
import { z } from "zod";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { MAX_QUERY_CHARS } from "../../shared/limits.ts";

/** Each is searched for with some forty settings. Ours. */
export const MAX_QUESTIONS = 1_000;
/** Of UTF-8 at 4 bytes a character, and what JSON adds to it. */
const MAX_FILE_BYTES = MAX_QUESTIONS * MAX_QUERY_CHARS * 6;

const questionSchema = z.object({ text: z.string() });

/**
 * The questions of a file with one on each line, as it is or as `{"text": "…"}`; empty lines are passed over.
 *
 * @throws MaxleafError `invalid_request` when the file cannot be read, has no question, too many, or one that is too long.
 */
export async function readQuestions(path: string): Promise<string[]> {
  const text = await readText(path);
  const questions = text
    .split(/\r?\n/)
    .map((line, at) => questionOf(line.trim(), `line ${at + 1} of ${quote(path)}`))
    .filter((question) => question !== "");
  if (questions.length === 0) throw new MaxleafError("invalid_request", `${quote(path)} has no question`);
  if (questions.length <= MAX_QUESTIONS) return questions;
  throw new MaxleafError(
    "invalid_request",
    `${quote(path)} has ${questions.length} questions; at most ${MAX_QUESTIONS}`,
  );
}

async function readText(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    if (size <= MAX_FILE_BYTES) return await readFile(path, "utf8");
  } catch (cause) {
    throw new MaxleafError("invalid_request", `the questions ${quote(path)} cannot be read`, { cause });
  }
  throw new MaxleafError("invalid_request", `the questions ${quote(path)} have more than ${MAX_FILE_BYTES} bytes`);
}

function questionOf(line: string, where: string): string {
  const question = line.startsWith("{") ? textOf(line, where) : line;
  if (question.length <= MAX_QUERY_CHARS) return question;
  throw new MaxleafError("invalid_request", `${where} has ${question.length} characters; at most ${MAX_QUERY_CHARS}`);
}

function textOf(line: string, where: string): string {
  try {
    return questionSchema.parse(JSON.parse(line)).text.trim();
  } catch (cause) {
    throw new MaxleafError("invalid_request", `${where} is no {"text": "…"}`, { cause });
  }
}
