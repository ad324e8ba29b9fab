/**
 * `node test/bench/maintenance/compact.ts --store FOLDER --index NAME [--delete 0.25] [--retrain]`: how long a compaction takes, and in how
 * much memory, after a share of all documents was deleted; with `--retrain` a retraining instead.
 *
 * Writes into the folder: give it a copy, say one of hard links (`cp -al`), since objects are never changed in place.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { deleteDocuments } from "../../../encoder/indexing/commit-changes.ts";
import { compactIndex } from "../../../encoder/indexing/compact.ts";
import { DocumentTables } from "../../../encoder/indexing/document-index.ts";
import { retrainIndex } from "../../../encoder/indexing/retrain.ts";
import { FolderStore } from "../../../encoder/storage/folder-store.ts";
import { readManifest } from "../../../shared/format/manifest-store.ts";

const MIB = 2 ** 20;

const { values: options } = parseArgs({
  options: {
    store: { type: "string" },
    index: { type: "string" },
    delete: { type: "string", default: "0.25" },
    retrain: { type: "boolean", default: false },
  },
});
const { store: folder, index } = options;
if (folder === undefined || index === undefined) throw new Error("give --store and --index");

const store = new FolderStore(folder);
const before = await readManifest(store, index);
if (before === undefined) throw new Error(`there is no index ${index} in ${folder}`);
const ids = [...(await new DocumentTables(store, index).liveDocuments(before)).keys()];
const step = Math.round(1 / Number(options.delete));
const deleted = new Set(Number(options.delete) > 0 ? ids.filter((_, at) => at % step === 0) : []);
if (deleted.size > 0) await deleteDocuments({ store, index }, deleted);

const stages = new Map<string, { beginMs: number; endMs: number }>();
const onProgress = ({ stage }: { stage: string }) => {
  const nowMs = performance.now();
  stages.set(stage, { beginMs: stages.get(stage)?.beginMs ?? nowMs, endMs: nowMs });
};
const beginMs = performance.now();
const report = options.retrain
  ? await retrainIndex({ store, index }, { onProgress })
  : await compactIndex({ store, index }, { onProgress });
const seconds = (performance.now() - beginMs) / 1_000;
const pages = before.segments.reduce((sum, { pageCount }) => sum + pageCount, 0);
const peakMib = process.resourceUsage().maxRSS / 1_024;
console.log(
  `${pages} pages, ${deleted.size} of ${ids.length} documents deleted: ${seconds.toFixed(1)} s, peak ${peakMib.toFixed(0)} MiB`,
);
for (const [stage, { beginMs: first, endMs: last }] of stages) {
  console.log(`  ${stage}: ${((last - first) / 1_000).toFixed(1)} s from its first report to its last`);
}
console.log(report);
const largest = Math.max(...before.segments.map(({ bytes, vectorsBytes }) => bytes + vectorsBytes));
console.log(`largest segment before: ${(largest / MIB).toFixed(0)} MiB`);
