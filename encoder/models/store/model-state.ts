/**
 * Whether a recipe's weights are on this machine, by names and sizes alone: a list of models must not read gigabytes.
 * `openModelFiles` is what proves them.
 *
 * @module
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { LoadOptions, RegistryEntry } from "../model.ts";
import { findModelFolder } from "./model-files.ts";
import { type ModelLock, PARTS_FOLDER, readModelLock } from "./model-lock.ts";

/**
 * `embedded`: in this package. `pulled`: with a lock. `local files`: without one. `tokenizer only`: all that is published for
 * a graph; the weights run on a vLLM server, or in a graph of one's own. `unfinished`: a pull was cut off. `damaged`: not as the
 * lock says. `not here`: some or all files are missing.
 */
export type ModelPlace =
  | "embedded"
  | "pulled"
  | "local files"
  | "tokenizer only"
  | "unfinished"
  | "damaged"
  | "not here";

export interface ModelState {
  place: ModelPlace;
  /** On disk if they are here, else to download; undefined: not known. */
  bytes: number | undefined;
  /** Where they are or would be; undefined for those in this package or on a server. */
  folder?: string | undefined;
  lock?: ModelLock | undefined;
}

export async function modelStateOf(
  { recipe, card }: Pick<RegistryEntry, "recipe" | "card">,
  options: LoadOptions,
): Promise<ModelState> {
  const { bytes } = card;
  if (card.files.length === 0) return { place: card.backends.includes("embedded") ? "embedded" : "not here", bytes };
  const hasWeights = card.files.some((file) => file.endsWith(".onnx"));
  const folder = await findModelFolder(recipe.name, card.files, options);
  const sizes = await Promise.all(card.files.map(async (file) => await sizeOf(join(folder, file))));
  const present = sizes.filter((size) => size !== undefined);
  const bytesHere = present.reduce((sum, size) => sum + size, 0);
  let lock: ModelLock | undefined;
  try {
    lock = await readModelLock(folder);
  } catch {
    return { place: "damaged", bytes: bytesHere, folder };
  }
  if (lock !== undefined) {
    const listed = new Map(lock.files.map((file) => [file.path, file.bytes]));
    const isWhole = card.files.every((file, at) => sizes[at] !== undefined && sizes[at] === listed.get(file));
    const place = isWhole && lock.repository === card.repository ? "pulled" : "damaged";
    return { place: place === "pulled" && !hasWeights ? "tokenizer only" : place, bytes: bytesHere, folder, lock };
  }
  if ((await sizeOf(join(folder, PARTS_FOLDER))) !== undefined) return { place: "unfinished", bytes, folder };
  if (present.length === card.files.length) {
    return { place: hasWeights ? "local files" : "tokenizer only", bytes: bytesHere, folder };
  }
  return { place: "not here", bytes, folder };
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size;
}
