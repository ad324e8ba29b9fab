/**
 * Measures one ingestion.
 *
 * Usage: node test/bench/ingest/run.ts [--pages 500] [--documents 1] | [--pdf FOLDER]   [--json]
 *
 * @module
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { measureIngest } from "./measure.ts";
import { rowsOf } from "./report.ts";

const { values } = parseArgs({
  options: {
    pages: { type: "string", default: "500" },
    documents: { type: "string", default: "1" },
    pdf: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const pages = Number(values.pages);
const documents = Number(values.documents);
if (!(Number.isInteger(pages) && Number.isInteger(documents) && documents > 0 && pages >= documents)) {
  throw new Error("--pages and --documents are whole numbers, and a document has a page");
}
const each = Math.floor(pages / documents);
const counts = Array.from({ length: documents }, (_, at) => each + (at < pages % documents ? 1 : 0));
const measured = await measureIngest(counts, values.pdf);
const cores = availableParallelism();
if (values.json) console.log(JSON.stringify({ cores, ...measured }, null, 2));
else {
  for (const { name, value, unit, note = "" } of rowsOf("ingest", measured, cores)) {
    console.log(`${name.padEnd(48)} ${value.toFixed(2).padStart(10)} ${unit.padEnd(8)} ${note}`);
  }
}
