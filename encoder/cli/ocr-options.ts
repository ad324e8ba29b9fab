/**
 * Options of the commands that ingest: whether scans are read, and in which languages.
 *
 * @module
 */
import { Option } from "commander";

export interface OcrOptions {
  /** Commander's name for `--no-ocr` not given. */
  ocr: boolean;
  ocrLanguage: string;
}

/** As `DEFAULT_OCR_LANGUAGE`, which help must not load the recogniser's module for. */
const DEFAULT_LANGUAGE = "eng";

export function ocrLanguageOption(): Option {
  const languages = "of scanned pages: eng, deu, eng+deu, …; English is bundled, others are npm packages";
  return new Option("--ocr-language <codes>", languages).default(DEFAULT_LANGUAGE);
}

export function noOcrOption(): Option {
  return new Option("--no-ocr", "leave pages without a text layer unread");
}

/** For `RunIngestOptions.ocrLanguage`. */
export function ocrLanguageOf({ ocr, ocrLanguage }: OcrOptions): string | undefined {
  return ocr ? ocrLanguage : undefined;
}
