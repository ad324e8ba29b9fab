/**
 * Names for the parts of the API's bodies that the page passes around. Types only: the schemas stay on the server.
 *
 * @module
 */
import type {
  ExplainResponseBody,
  HitBody,
  IndexBody,
  IndexListBody,
  SearchResponseBody,
} from "../../../shared/api/search.ts";

export type Hit = HitBody;
export type Index = IndexBody;
export type IndexList = IndexListBody;

/** A name that can be searched: that of an index, or an alias of one. */
export interface IndexChoice {
  name: string;
  /** What answers by this name. */
  index: Index;
}

export type Match = HitBody["matches"][number];
export type Performance = SearchResponseBody["performance"];
export type Mode = Performance["mode"];
export type PartialAnswer = NonNullable<SearchResponseBody["partial"]>;
export type SearchResponse = SearchResponseBody;
export type Explanation = ExplainResponseBody;
export type QueryToken = SearchResponseBody["tokens"][number];
/** Fractions of the page: left, top, right, bottom. */
export type Box = NonNullable<Match["box"]>;
