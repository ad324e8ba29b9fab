/**
 * Sets of texts in the layout of BEIR (https://github.com/beir-cellar/beir): `corpus.jsonl` and `queries.jsonl` with `_id`,
 * and a table of judgements a split, `qrels/test.tsv`. Also with `id` for `_id` and one `qrels.tsv`.
 *
 * @module
 */
import { readdir } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { type Dataset, documentName, invalid, judgementsByQuery, withRelevantPages } from "./dataset.ts";
import { readJsonLines, readJudgementLines } from "./lines.ts";

const id = z.string().min(1);
/** Moves BEIR's `_id` to `id`, so that both layouts are one from here on. */
const withId = (value: unknown): unknown =>
  typeof value === "object" && value !== null && "_id" in value ? { ...value, id: value["_id"] } : value;

const textSchema = z.preprocess(withId, z.object({ id, title: z.string().nullish(), text: z.string() }));
const querySchema = z.preprocess(
  withId,
  z.object({ id, text: z.string().min(1), language: z.string().min(1).optional() }),
);

/** Title and text are joined as BEIR's own models join them. */
export async function readTexts(folder: string, split: string | undefined): Promise<Omit<Dataset, "name">> {
  const judgementsFile = await findJudgements(folder, split);
  const texts = await readJsonLines(path.join(folder, "corpus.jsonl"), textSchema);
  const corpusTexts = texts.map(({ where, value: { id: name, title, text } }) => {
    return { name: documentName(name, where), text: `${title ?? ""} ${text}`.trim() };
  });
  const queries = await readJsonLines(path.join(folder, "queries.jsonl"), querySchema);
  const judgements = judgementsByQuery(await readJudgementLines(judgementsFile), {
    queries: new Set(queries.map(({ value }) => value.id)),
    documents: new Set(texts.map(({ value }) => value.id)),
  });
  const list = queries.map(({ value }) => ({ ...value, judgements: judgements.get(value.id) ?? new Map() }));
  return { corpus: { kind: "texts", texts: corpusTexts }, ...withRelevantPages(list) };
}

const DEFAULT_SPLIT = "test";

async function findJudgements(folder: string, split: string | undefined): Promise<string> {
  const entries = await readdir(path.join(folder, "qrels")).catch(() => undefined);
  if (entries === undefined) {
    if (split === undefined) return path.join(folder, "qrels.tsv");
    throw invalid(`${folder} has no folder qrels, so it has no split ${JSON.stringify(split)}`);
  }
  const splits = entries.filter((name) => name.endsWith(".tsv")).map((name) => name.slice(0, -".tsv".length));
  const wanted = split ?? DEFAULT_SPLIT;
  if (splits.includes(wanted)) return path.join(folder, "qrels", `${wanted}.tsv`);
  throw invalid(`${folder} has no split ${JSON.stringify(wanted)}; it has ${splits.toSorted().join(", ") || "none"}`);
}
