/**
 * Models as people and scripts read them: what `maxleaf models` prints.
 *
 * @module
 */
import type { Recipe } from "../../shared/recipe/recipe.ts";
import type { ModelCard, RegistryEntry } from "../models/model.ts";
import type { ModelState } from "../models/store/model-state.ts";
import { byteSize, count, table } from "./format.ts";

/** A model in a line. */
export function modelSummary({ recipe, card }: Pick<RegistryEntry, "recipe" | "card">, state: ModelState) {
  return {
    name: recipe.name,
    model: recipe.model,
    dim: recipe.dim,
    interaction: recipe.interaction,
    geometry: recipe.geometry,
    vectorsPerPage: card.vectorsPerPage,
    parameters: card.parameters,
    /** On disk if the files are here, else to download; absent: not known. */
    bytes: state.bytes,
    licence: card.licence,
    languages: card.languages,
    englishOnly: isEnglishOnly(card),
    backends: card.backends,
    repository: card.repository,
    place: state.place,
    folder: state.folder,
    commit: state.lock?.commit,
  };
}

export type ModelSummary = ReturnType<typeof modelSummary>;

const HEADER = ["name", "dim", "vectors a page", "parameters", "size", "licence", "languages", "backends", "weights"];

/** A table of all models. */
export function modelTable(models: readonly ModelSummary[]): string {
  const rows = models.map((model) => [
    model.name,
    model.dim,
    brief(model.vectorsPerPage),
    model.parameters,
    sizeOf(model),
    model.licence,
    languagesOf(model),
    model.backends.join(", "),
    model.place,
  ]);
  return `${table(HEADER, rows)}${hint(models)}`;
}

/** What is here was counted, what is not was read of. */
function sizeOf({ bytes, place }: Pick<ModelState, "bytes" | "place">): string {
  if (bytes === undefined) return "not known";
  return place === "not here" || place === "unfinished" ? `about ${byteSize(bytes)}` : byteSize(bytes);
}

/** Up to the first comma: the rest is for `show`. */
function brief(text: string): string {
  return /^\D[^,]*/u.exec(text)?.[0] ?? text;
}

function hint(models: readonly ModelSummary[]): string {
  const absent = models.find(({ place }) => place === "not here" || place === "unfinished" || place === "damaged");
  return absent === undefined
    ? ""
    : `\nmaxleaf models pull NAME fetches a model, maxleaf models show NAME says all about it\n`;
}

function isEnglishOnly({ languages }: Pick<ModelCard, "languages">): boolean {
  return languages.length === 1 && languages[0] === "en";
}

/** The languages of long lists are counted: `show` has them all. */
const MAX_NAMED_LANGUAGES = 6;

function languagesOf(card: Pick<ModelCard, "languages">): string {
  if (isEnglishOnly(card)) return "English only";
  const { languages } = card;
  return languages.length <= MAX_NAMED_LANGUAGES ? languages.join(", ") : `${languages.length} languages`;
}

export interface ModelDetails {
  /** As loaded, if the files are here; else as in the registry. */
  recipe: Recipe;
  recipeFingerprint: string;
  card: ModelCard;
  state: ModelState;
}

/** Everything about a model, as `show` prints it. */
export function modelDetails({ recipe, recipeFingerprint, card, state }: ModelDetails): string {
  const { extra, ...fields } = recipe;
  const extras = Object.entries(extra).map(([key, value]) => [`extra.${key}`, JSON.stringify(value)]);
  const recipeRows = Object.entries(fields).map(([key, value]) => [key, JSON.stringify(value)]);
  const isLoaded = state.lock !== undefined;
  const sections = [
    `${recipe.name}\n${rowsOf(cardRows(card, state))}`,
    `Recipe${isLoaded ? ", as loaded" : ""} (fingerprint ${recipeFingerprint})\n${rowsOf([...recipeRows, ...extras])}`,
    ...filesSection(card, state),
    ...(card.unverified.length === 0
      ? []
      : [
          `Not verified on the machines where this was written\n${card.unverified.map((fact) => `  - ${fact}\n`).join("")}`,
        ]),
  ];
  return sections.join("\n");
}

function cardRows(card: ModelCard, state: ModelState): string[][] {
  const { repository, licence, languages, parameters, vectorsPerPage, backends } = card;
  return [
    ["repository", repository ?? "none: the weights are in this package"],
    ["weights", state.folder === undefined ? state.place : `${state.place}: ${state.folder}`],
    ...(state.lock === undefined ? [] : [["commit", state.lock.commit]]),
    ["size", sizeOf(state)],
    ["licence", licence],
    ["languages", isEnglishOnly(card) ? "English only" : languages.join(", ")],
    ["parameters", parameters],
    ["vectors a page", vectorsPerPage],
    ["backends", backends.join(", ")],
  ];
}

function filesSection({ files }: ModelCard, { lock }: ModelState): string[] {
  if (files.length === 0) return [];
  const locked = new Map(lock?.files.map((file) => [file.path, `${count(file.bytes)} bytes, sha256 ${file.sha256}`]));
  return [`Files\n${rowsOf(files.map((file) => [file, locked.get(file) ?? ""]))}`];
}

function rowsOf(rows: readonly (readonly string[])[]): string {
  const width = Math.max(...rows.map(([key = ""]) => key.length));
  return rows.map(([key = "", value = ""]) => `  ${key.padEnd(width)}  ${value}`.trimEnd() + "\n").join("");
}
