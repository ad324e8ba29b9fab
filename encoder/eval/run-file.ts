/**
 * Rankings and judgements in the files of trec_eval (https://github.com/usnistgov/trec_eval): `query Q0 document rank score tag`
 * and `query 0 document grade`.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { quote } from "../../shared/errors.ts";
import { type Corpus, type Dataset, invalid } from "./datasets/dataset.ts";
import type { Ranking } from "./metrics.ts";

/** Pages of one query with their scores, best first. */
export interface ScoredRanking {
  ranking: Ranking;
  scores: readonly number[];
}

/** A run file's contents. */
export interface Run {
  tag: string;
  /** Page keys by query id. */
  rankings: ReadonlyMap<string, Ranking>;
}

/**
 * What trec_eval calls a page: the document's name where documents have one page, as in the set's own judgements, else
 * `document#page`. White space would end the column, so it is written as in a URL.
 */
export function runIdOf(corpus: Corpus, key: string): string {
  const id = corpus.kind === "pdfs" ? key : key.replace(/#1$/, "");
  return id.replaceAll(/[\s%]/g, encodeURIComponent);
}

/** The way back from {@link runIdOf}. */
export function pageKeyOf(corpus: Corpus, runId: string): string {
  const id = runId.replaceAll(/(%[0-9a-f]{2})+/gi, decoded);
  return corpus.kind === "pdfs" ? id : `${id}#1`;
}

function decoded(escaped: string): string {
  try {
    return decodeURIComponent(escaped);
  } catch {
    // Another program's id that only looks like an escape.
    return escaped;
  }
}

/**
 * A run as text. trec_eval sorts by score in single precision and breaks ties by name, so scores are lowered where that is needed
 * for it to see the same order.
 */
export function formatRun(dataset: Dataset, tag: string, rankings: readonly ScoredRanking[]): string {
  const lines: string[] = [];
  for (const [at, { id }] of dataset.queries.entries()) {
    const { ranking, scores } = rankings[at] ?? { ranking: [], scores: [] };
    let previous = Infinity;
    for (const [position, key] of ranking.entries()) {
      previous = Math.min(Math.fround(scores[position] ?? 0), floatBelow(previous));
      const columns = [idOf(id), "Q0", runIdOf(dataset.corpus, key), position + 1, previous, tag];
      lines.push(`${columns.join(" ")}\n`);
    }
  }
  return lines.join("");
}

/** The judgements of the set, as trec_eval reads them. */
export function formatJudgements({ corpus, queries }: Dataset): string {
  const lines = queries.flatMap(({ id, judgements }) =>
    [...judgements].map(([key, grade]) => `${idOf(id)} 0 ${runIdOf(corpus, key)} ${grade}\n`),
  );
  return lines.join("");
}

/**
 * Reads a run, in trec_eval's order: by score, and of equal scores the later name first.
 *
 * @throws MaxleafError `invalid_request`, naming the line; also when no query of the run is one of the set.
 */
export async function readRun(file: string, { corpus, queries }: Dataset): Promise<Run> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw invalid(`${file} cannot be read`, cause);
  });
  let tag = "";
  const entries = new Map<string, Map<string, number>>();
  for (const [at, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const [query, , document, , scoreText, runTag, ...rest] = line.trim().split(/\s+/);
    const score = Number(scoreText);
    if (
      query === undefined ||
      document === undefined ||
      runTag === undefined ||
      rest.length > 0 ||
      Number.isNaN(score)
    ) {
      throw invalid(`${file}:${at + 1}: expected "query Q0 document rank score tag", not ${quote(line)}`);
    }
    const ofQuery = entries.get(query) ?? new Map<string, number>();
    if (ofQuery.has(document)) throw invalid(`${file}:${at + 1}: ${quote(document)} was listed before`);
    entries.set(query, ofQuery.set(document, Math.fround(score)));
    tag = runTag;
  }
  if (!queries.some(({ id }) => entries.has(idOf(id)))) throw invalid(`${file} has no query of this data set`);
  const rankings = queries.map(({ id }): [string, Ranking] => {
    const sorted = [...(entries.get(idOf(id)) ?? [])].toSorted(
      ([a, scoreA], [b, scoreB]) => scoreB - scoreA || Buffer.compare(Buffer.from(b), Buffer.from(a)),
    );
    return [id, sorted.map(([document]) => pageKeyOf(corpus, document))];
  });
  return { tag, rankings: new Map(rankings) };
}

function idOf(queryId: string): string {
  return queryId.replaceAll(/[\s%]/g, encodeURIComponent);
}

/** The next smaller number of single precision. */
function floatBelow(value: number): number {
  if (value === Infinity) return Infinity;
  const view = new DataView(new ArrayBuffer(4));
  view.setFloat32(0, value);
  if (value === 0) return -(2 ** -149);
  view.setInt32(0, view.getInt32(0) + (value > 0 ? -1 : 1));
  return view.getFloat32(0);
}
