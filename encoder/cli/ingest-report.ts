/**
 * The report of an ingestion for people, and the exit status it asks for.
 *
 * @module
 */
import { MAX_CODEBOOK_DRIFT } from "../indexing/codebook-drift.ts";
import type { IngestReport } from "../ingest/report.ts";
import { EXIT } from "./exit-codes.ts";
import { count, counted, duration } from "./format.ts";

/** Page notices printed; the JSON report has all. */
const MAX_NOTICES_SHOWN = 10;

export function ingestExitCode(report: IngestReport): number {
  if (report.interrupted) return EXIT.interrupted;
  return report.failed.length > 0 ? EXIT.someFilesFailed : EXIT.ok;
}

/** Several lines, the last of them the failures. */
export function ingestSummary(report: IngestReport): string {
  const { index, added, replaced, unchanged, failed, pages, pageNotices, skippedFiles, drift } = report;
  const lines = [
    `${index}: ${count(added)} added, ${count(replaced)} replaced, ${count(unchanged)} unchanged, ${count(failed.length)} failed`,
  ];
  if (pages > 0) lines.push(pageLine(report));
  if (skippedFiles > 0) lines.push(`${counted(skippedFiles, "file")} of other kinds passed over`);
  if (drift !== undefined && drift > MAX_CODEBOOK_DRIFT) {
    const times = `${drift.toFixed(2)} times as far from its codebook as what it was trained on`;
    lines.push(
      `${index} got pages of another kind, ${times}: searches among them are less exact until maxleaf retrain`,
    );
  }
  if (report.codebookStale)
    lines.push(`${index} has outgrown its codebook: searches get slower and less exact until maxleaf retrain`);
  const shown = pageNotices.slice(0, MAX_NOTICES_SHOWN);
  lines.push(...shown.map(({ name, reason, code }) => `  ${name}: ${reason} (${code})`));
  if (pageNotices.length > shown.length) lines.push(`  … and ${count(pageNotices.length - shown.length)} more pages`);
  lines.push(...failed.map(({ reason, code }) => `  failed: ${reason} (${code})`));
  if (report.interrupted) lines.push("interrupted: what was finished is in the index; run it again for the rest");
  return `${lines.join("\n")}\n`;
}

function pageLine(report: IngestReport): string {
  const { pages, searchablePages, pagesWithoutText, seconds, pagesPerSecond } = report;
  const { pagesReadByOcr, ocrPagesPerSecond } = report;
  const readByOcr =
    pagesReadByOcr === 0 ? "" : ` (${count(pagesReadByOcr)} read by OCR at ${ocrPagesPerSecond.toFixed(1)} pages/s)`;
  const withoutText = pagesWithoutText === 0 ? "" : `, ${count(pagesWithoutText)} without text that can be searched`;
  const speed = `${duration(seconds * 1_000)}, ${pagesPerSecond.toFixed(1)} pages/s`;
  return `${counted(pages, "page")}: ${count(searchablePages)} searchable${readByOcr}${withoutText}; ${speed}`;
}
