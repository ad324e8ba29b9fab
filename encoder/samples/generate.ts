/**
 * Writes the sample documents and their questions beside this file. Running it again writes the same bytes.
 *
 *     node encoder/samples/generate.ts
 *
 * @module
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { allotmentHandbook } from "./content/allotment-handbook.ts";
import { ferryReport } from "./content/ferry-report.ts";
import { heatPumpManual } from "./content/heat-pump-manual.ts";
import { keeperLetter } from "./content/keeper-letter.ts";
import { kelpArticle } from "./content/kelp-article.ts";
import { museumLeaflet } from "./content/museum-leaflet.ts";
import { poolAudit } from "./content/pool-audit.ts";
import { timetable } from "./content/timetable.ts";
import { questions } from "./questions.ts";

/** File name → how it is made. */
export const DOCUMENTS: Readonly<Record<string, () => Promise<Uint8Array>>> = {
  "allotment-handbook.pdf": allotmentHandbook,
  "ferry-annual-report-2025.pdf": ferryReport,
  "ferry-timetable-2026.pdf": timetable,
  "heat-pump-manual.pdf": heatPumpManual,
  "keeper-letter-1931.pdf": keeperLetter,
  "kelp-growth-article.pdf": kelpArticle,
  "lighthouse-museum-leaflet.pdf": museumLeaflet,
  "swimming-hall-energy-audit.pdf": poolAudit,
};

if (import.meta.main) {
  const folder = join(import.meta.dirname, "pdf");
  await mkdir(folder, { recursive: true });
  for (const [name, make] of Object.entries(DOCUMENTS)) await writeFile(join(folder, name), await make());
  const lines = questions.map((question) => `${JSON.stringify(question)}\n`);
  await writeFile(join(import.meta.dirname, "questions.jsonl"), lines.join(""));
}
