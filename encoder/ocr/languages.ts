/**
 * Which languages can be read: those whose data is installed as an npm package. English comes with Maxleaf.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { MAX_OCR_LANGUAGES } from "./limits.ts";

export const DEFAULT_OCR_LANGUAGE = "eng";

/** `chi_sim`, `deu`, `srp_latn`: how tesseract names its languages (ISO 639-2 with a script). */
const LANGUAGE = /^[a-z]{3}(?:_[a-z]{3,4}){0,2}$/;
/** The variant of the data for the neural recogniser, with integer weights: a quarter of the size of the whole. */
const VARIANT = "4.0.0_best_int";

const resolvePackage = createRequire(import.meta.url);

/** A language and the folder that has its `{code}.traineddata.gz`. */
export interface OcrLanguage {
  code: string;
  folder: string;
}

/**
 * Languages by name, `eng` or `eng+deu`, the main one first.
 *
 * Errors: `invalid_request` for what is no such list, `model_unavailable` for a language whose data is not installed;
 * it names the package.
 */
export function parseOcrLanguages(text: string): OcrLanguage[] {
  const codes = [...new Set(text.split("+"))];
  if (codes.length > MAX_OCR_LANGUAGES) {
    throw new MaxleafError(
      "invalid_request",
      `${quote(text)} are ${codes.length} languages; ${MAX_OCR_LANGUAGES} can be read at once`,
    );
  }
  return codes.map(findLanguage);
}

function findLanguage(code: string): OcrLanguage {
  if (!LANGUAGE.test(code)) {
    throw new MaxleafError("invalid_request", `${quote(code)} is no OCR language; write eng, deu, eng+deu, chi_sim, …`);
  }
  const name = `@tesseract.js-data/${code}`;
  const folder = packageFolder(name);
  if (folder !== undefined && existsSync(join(folder, VARIANT, `${code}.traineddata.gz`))) {
    return { code, folder: join(folder, VARIANT) };
  }
  throw new MaxleafError(
    "model_unavailable",
    `scans cannot be read in ${quote(code)}: its data is not installed (npm install --save-exact ${name}); English (eng) is`,
  );
}

function packageFolder(name: string): string | undefined {
  try {
    return dirname(resolvePackage.resolve(`${name}/package.json`));
  } catch {
    return undefined;
  }
}
