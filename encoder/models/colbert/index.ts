/**
 * The ColBERT models: late interaction over the words of a page, trained for it.
 *
 * @module
 */
import { answeraiColbertSmall } from "./answerai-colbert-small-v1.ts";
import { colbertv2 } from "./colbertv2.ts";
import type { ColbertEntry } from "./entry.ts";
import { gteModernColbert } from "./gte-moderncolbert-v1.ts";
import { jinaColbertV2 } from "./jina-colbert-v2.ts";
import { mxbaiEdgeColbert32m } from "./mxbai-edge-colbert-32m.ts";

export const colbertEntries: readonly ColbertEntry[] = [
  colbertv2,
  answeraiColbertSmall,
  jinaColbertV2,
  gteModernColbert,
  mxbaiEdgeColbert32m,
];
