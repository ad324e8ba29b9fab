/**
 * One ingestion, watched: run by ingest.bench.ts in a process of its own, whose tree it measures. Prints JSON.
 *
 * Usage: node test/bench/ingest/measured-ingest.ts FOLDER-OF-DOCUMENTS FOLDER-OF-STORE
 *
 * @module
 */
import { mkdir } from "node:fs/promises";
import { argv, stdout } from "node:process";
import { discoverFiles } from "../../../encoder/ingest/discover.ts";
import { ingestFiles } from "../../../encoder/ingest/pipeline.ts";
import { loadModel } from "../../../encoder/models/registry.ts";
import { FolderStore } from "../../../encoder/storage/folder-store.ts";
import { treeUsage } from "./process-tree.ts";
import type { MeasuredIngest, StageTime } from "./report.ts";

const SAMPLE_INTERVAL_MS = 250;
async function measure(documents: string, storeFolder: string): Promise<MeasuredIngest> {
  await mkdir(storeFolder, { recursive: true });
  const store = new FolderStore(storeFolder);
  const model = await loadModel("minilm-words");
  const found = await discoverFiles([documents]);
  const stages = new Map<string, StageTime>();
  const before = await treeUsage();
  const begunMs = performance.now();
  const secondsSince = () => (performance.now() - begunMs) / 1_000;
  let peakRssBytes = 0;
  let peakProcesses = 0;
  let lastPageSeconds = 0;
  let cpuUntilLastPage = 0;
  let lookedUntilSeconds = 0;
  const look = async () => {
    const { rssBytes, processes, cpuSeconds } = await treeUsage();
    // The last one counts that saw pages coming.
    if (secondsSince() - lastPageSeconds < SAMPLE_INTERVAL_MS / 1_000) {
      cpuUntilLastPage = cpuSeconds - before.cpuSeconds;
      lookedUntilSeconds = secondsSince();
    }
    if (rssBytes <= peakRssBytes) return;
    peakRssBytes = rssBytes;
    peakProcesses = processes;
  };
  const timer = setInterval(() => void look(), SAMPLE_INTERVAL_MS);
  const report = await ingestFiles({
    store,
    index: "bench",
    model,
    found,
    observer: {
      onPage: () => (lastPageSeconds = secondsSince()),
      onStage: (stage, seconds) => {
        const { count, seconds: sum } = stages.get(stage) ?? { count: 0, seconds: 0 };
        stages.set(stage, { count: count + 1, seconds: sum + seconds });
      },
    },
  });
  const seconds = secondsSince();
  clearInterval(timer);
  await look();
  const after = await treeUsage();
  await model.dispose();
  if (report.failed.length > 0) throw new Error(`${report.failed[0]?.name}: ${report.failed[0]?.reason}`);
  return {
    documents: found.files.length,
    sourceBytes: found.files.reduce((sum, { bytes }) => sum + bytes, 0),
    pages: report.pages,
    vectors: report.vectors,
    seconds,
    // Nothing else is left to do then.
    tailSeconds: seconds - lastPageSeconds,
    pageWork: { seconds: lookedUntilSeconds, cpuSeconds: cpuUntilLastPage },
    cpu: {
      rendering: after.childSeconds - before.childSeconds,
      threads: after.threadSeconds - before.threadSeconds,
      main: after.mainSeconds - before.mainSeconds,
    },
    peakRssBytes,
    peakProcesses,
    stages: Object.fromEntries(stages),
  };
}

const [documents, storeFolder] = argv.slice(2);
if (documents === undefined || storeFolder === undefined) throw new Error("two folders are needed");
stdout.write(`${JSON.stringify(await measure(documents, storeFolder))}\n`);
