/**
 * What a data set is once it is read, whatever its layout.
 *
 * @module
 */
import { MaxleafError, quote } from "../../../shared/errors.ts";
import { parseDocumentName } from "../../../shared/names.ts";
import type { Judgements } from "../metrics.ts";

export interface EvalQuery {
  id: string;
  text: string;
  /** As the set calls it (`english`, `fr`); undefined when it does not say. */
  language?: string | undefined;
  /** By {@link pageKey}. */
  judgements: Judgements;
}

/** A text or a picture is one page; a PDF is a document of several. */
export type Corpus =
  | { kind: "texts"; texts: readonly CorpusText[] }
  | { kind: "pdfs"; files: readonly { name: string; path: string }[] }
  | {
      kind: "pictures";
      pictures: readonly CorpusPicture[];
      /** Names the state of the files, so that encoded pages of another state are not taken for these. */
      version: string;
    };

export interface CorpusText {
  name: string;
  /** Title and text. */
  text: string;
}

/** A page that the set has as an image file. */
export interface CorpusPicture {
  name: string;
  /** What the set itself says is on the page, for recipes that work from words. */
  text: string | undefined;
  /** The image file. Cheapest in the order of the corpus. */
  read: () => Promise<Uint8Array>;
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

/** Leaves out queries without a relevant page. Throws `invalid_request` when none is left. */
export function withRelevantPages(queries: readonly EvalQuery[]): Pick<Dataset, "queries" | "unjudgedQueries"> {
  const judged = queries.filter(({ judgements }) => [...judgements.values()].some((grade) => grade > 0));
  if (judged.length === 0) throw invalid("no query of the data set has a relevant page");
  return { queries: judged, unjudgedQueries: queries.length - judged.length };
}

/** One judgement of a table of them, with its place for errors. */
export interface JudgementRow {
  where: string;
  query: string;
  document: string;
  grade: number;
}

/** Judgements by query id, every one of them of a query and a document that the set has. */
export function judgementsByQuery(
  rows: Iterable<JudgementRow>,
  known: { queries: ReadonlySet<string>; documents: ReadonlySet<string> },
): Map<string, Map<string, number>> {
  const judgements = new Map<string, Map<string, number>>();
  for (const { where, query, document, grade } of rows) {
    if (!known.queries.has(query)) throw invalid(`${where}: there is no query ${quote(query)}`);
    if (!known.documents.has(document)) throw invalid(`${where}: there is no document ${quote(document)}`);
    const ofQuery = judgements.get(query) ?? new Map<string, number>();
    ofQuery.set(pageKey(document, 1), grade);
    judgements.set(query, ofQuery);
  }
  return judgements;
}

/** `id` as a document's name, or `invalid_request` that says where it stands. */
export function documentName(id: string, where: string): string {
  try {
    return parseDocumentName(id);
  } catch (cause) {
    throw invalid(`${where}: ${cause instanceof Error ? cause.message : "bad id"}`, cause);
  }
}

export function invalid(message: string, cause?: unknown): MaxleafError {
  return new MaxleafError("invalid_request", message, cause === undefined ? {} : { cause });
}
