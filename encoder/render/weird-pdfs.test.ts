/**
 * Ninety-nine PDFs that break readers. They are no part of the project: the tests run where the folder of shared data is,
 * at `MAXLEAF_SHARED_DATA` or beside the repository.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { toMaxleafError, type ErrorCode } from "../../shared/errors.ts";
import { RenderPool } from "./render-pool.ts";

const SHARED_DATA = process.env["MAXLEAF_SHARED_DATA"] ?? join(import.meta.dirname, "../../../shared/data");
const FOLDER = join(SHARED_DATA, "weird-pdfs");
const present = existsSync(FOLDER);
/** A few of the files are long; their later pages are like the first. */
const PAGES_READ = 2;
const TIME_LIMIT_MS = 10 * 60_000;

interface Result {
  pages: number;
  words: number;
  problems: string[];
  pictures: Uint8Array[];
  failure?: ErrorCode;
}

const results = new Map<string, Result>();
let categories: Record<string, string[]> = {};

async function render(pool: RenderPool, name: string): Promise<Result> {
  const result: Result = { pages: 0, words: 0, problems: [], pictures: [] };
  try {
    for await (const page of await pool.open({ name, bytes: await readFile(join(FOLDER, name)) })) {
      result.pages++;
      result.words += page.words.length;
      result.pictures.push(page.image, page.thumbnail);
      if (page.problem !== undefined) result.problems.push(page.problem.reason);
      if (result.pages === PAGES_READ) break;
    }
  } catch (error) {
    result.failure = toMaxleafError(error).code;
  }
  return result;
}

function summary(): string {
  const outcomes = [...results.values()].map(({ failure, words, problems }) => {
    if (failure !== undefined) return failure;
    if (problems.length > 0) return "pages with a problem";
    return words > 0 ? "searchable" : "pages without text";
  });
  const counts = Map.groupBy(outcomes, (outcome) => outcome);
  return [...counts].map(([outcome, { length }]) => `${outcome} ${length}`).join(", ");
}

describe.runIf(present)("weird PDFs", () => {
  beforeAll(async () => {
    categories = z
      .record(z.string(), z.array(z.string()))
      .parse(JSON.parse(await readFile(join(FOLDER, "categories.json"), "utf8")));
    const names = (await readdir(FOLDER)).filter((name) => name.endsWith(".pdf"));
    await using pool = new RenderPool({ processes: 2 });
    await Promise.all(names.map(async (name) => results.set(name, await render(pool, name))));
    console.log(`${results.size} weird PDFs: ${summary()}`);
  }, TIME_LIMIT_MS);

  it("come to pages or to a reason, every one", () => {
    expect(results.size).toBeGreaterThan(0);
    const reasons = new Set<ErrorCode>(["file_encrypted", "file_unreadable", "file_empty"]);
    const unexplained = [...results].filter(([, { pages, failure }]) =>
      failure === undefined ? pages === 0 : !reasons.has(failure),
    );
    expect(unexplained).toEqual([]);
  });

  it("are called locked exactly when they need a password", () => {
    const locked = [...results].filter(([, { failure }]) => failure === "file_encrypted").map(([name]) => name);
    expect(locked.toSorted()).toEqual(categories["needs_password"]?.toSorted());
  });

  it("give words wherever there is text in another script", () => {
    const { han_kana_hangul = [], arabic_hebrew = [], cyrillic = [], thai_indic = [] } = categories;
    const silent = [...han_kana_hangul, ...arabic_hebrew, ...cyrillic, ...thai_indic].filter(
      (name) => results.get(name)?.words === 0,
    );
    expect(silent).toEqual([]);
  });

  it("give pictures that can be decoded", async () => {
    const pictures = [...results.values()].flatMap((result) => result.pictures);
    const formats = await Promise.all(pictures.map(async (picture) => (await sharp(picture).metadata()).format));
    expect(new Set(formats)).toEqual(new Set(["webp"]));
  });
});
