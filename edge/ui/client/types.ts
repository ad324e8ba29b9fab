/**
 * Names for the parts of the API's bodies that the page passes around. Types only: the schemas stay on the server.
 *
 * @module
 */
import type { ExplainResponseBody, HitBody, IndexBody, SearchResponseBody } from "../../../shared/api/search.ts";

export type Hit = HitBody;
export type Index = IndexBody;
export type Match = HitBody["matches"][number];
export type Performance = SearchResponseBody["performance"];
export type Mode = Performance["mode"];
export type PartialAnswer = NonNullable<SearchResponseBody["partial"]>;
export type SearchResponse = SearchResponseBody;
export type Explanation = ExplainResponseBody;
export type QueryToken = SearchResponseBody["tokens"][number];
/** Fractions of the page: left, top, right, bottom. */
export type Box = NonNullable<Match["box"]>;
