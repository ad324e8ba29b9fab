/**
 * Model folders for the tests of the ColBERT recipes.
 *
 * @module
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TinyGraph, writeTinyGraph } from "./tiny-graphs/tiny-graph.ts";
import type { ColbertEntry } from "../../encoder/models/colbert/entry.ts";
import { TOKENIZER_FILE } from "../../encoder/models/colbert/facts.ts";

/** Writes the files of a recipe's card into `folder`: `graph` under the names of its graph, and `tokenizer`. */
export async function writeColbertModel(
  { facts }: ColbertEntry,
  folder: string,
  { graph, tokenizer }: { graph: TinyGraph; tokenizer: Uint8Array },
): Promise<void> {
  const { file, data } = facts.graph;
  const slash = file.lastIndexOf("/");
  await writeTinyGraph(graph, join(folder, file.slice(0, Math.max(slash, 0))), {
    name: file.slice(slash + 1),
    dataFile: data?.[0]?.slice(slash + 1),
  });
  await writeFile(join(folder, TOKENIZER_FILE), tokenizer);
}
