/**
 * Whether the codebook and the inverted file of a manifest are what it says.
 *
 * @module
 */
import PQueue from "p-queue";
import { readCodebook } from "../../shared/format/codebook.ts";
import { corrupt } from "../../shared/format/bytes.ts";
import type { Codebook } from "../../shared/format/contract.ts";
import { decodeCellBlock } from "../../shared/format/inverted/cell-block.ts";
import { openInvertedFile } from "../../shared/format/inverted/inverted-reader.ts";
import { openLexicalFile } from "../../shared/format/lexical/lexical-file.ts";
import type { InvertedEntry } from "../../shared/format/manifest.ts";
import { segmentIdentityOf } from "../../shared/format/segment-identity.ts";
import { MAX_CONCURRENT_READS } from "../../shared/limits.ts";
import { layout } from "../../shared/store/layout.ts";
import type { CheckedIndex } from "./check-segments.ts";
import { damagedAmong, examine, type Finding } from "./finding.ts";
import { listAll } from "./list-all.ts";

/** Cells, or blocks of terms, read together. */
const BLOCKS_AT_ONCE = 64;

/** Errors: `store_unavailable`. */
export async function checkCodebook(checked: CheckedIndex): Promise<{ findings: Finding[]; codebook?: Codebook }> {
  const { store, index, manifest } = checked;
  const entry = manifest.codebook;
  if (entry === undefined) return { findings: [] };
  const expected = {
    recipeFingerprint: manifest.recipeFingerprint,
    dim: manifest.recipe.dim,
    subspaces: entry.subspaces,
  };
  const read = await examine(async () => {
    const codebook = await readCodebook(store, index, entry.id, expected);
    if (codebook.centroidCount !== entry.centroidCount) {
      const counts = `${codebook.centroidCount} centroids, the manifest says ${entry.centroidCount}`;
      throw corrupt(`codebook ${entry.id}`, `it has ${counts}`);
    }
    return codebook;
  });
  if ("value" in read) return { findings: [], codebook: read.value };
  return {
    findings: [
      {
        severity: "error",
        problem: read.problem,
        meaning: "the index cannot be searched, and nothing can be added to it",
        mend: `bring back ${layout.codebook(index, entry.id)} from a copy of the bucket, or maxleaf import an export of the index with --replace; else ingest all source files into a new index`,
      },
    ],
  };
}

/**
 * @param documentIds live documents, which a deep check looks up.
 * Errors: `store_unavailable`.
 */
export async function checkInverted(
  checked: CheckedIndex,
  codebook: Codebook | undefined,
  documentIds: readonly string[],
): Promise<Finding[]> {
  const entry = checked.manifest.inverted;
  if (entry === undefined) return [];
  const checks = [
    async () => await checkSizes(checked, entry),
    async () => await checkLists(checked, entry, codebook, documentIds),
    async () => await checkTerms(checked, entry),
  ];
  const findings: Finding[] = [];
  for (const check of checks) {
    const result = await examine(check);
    if ("problem" in result) findings.push(damaged(result.problem, checked.index));
  }
  return findings;
}

function damaged(problem: string, index: string): Finding {
  return {
    severity: "error",
    problem,
    meaning: "searches of this index fail, or miss pages",
    mend: `maxleaf optimize --index ${index} builds the inverted file anew`,
  };
}

/** The parts, which opening does not read. */
async function checkSizes({ store, index }: CheckedIndex, { id, parts, lexical }: InvertedEntry): Promise<void> {
  const sizes = new Map<string, number>();
  for await (const { key, size } of listAll(store, layout.inverted(index, id))) sizes.set(key, size);
  const wanted = [
    ...parts.map((bytes, part): [string, number] => [layout.invertedPart(index, id, part), bytes]),
    ...(lexical?.parts ?? []).map((bytes, part): [string, number] => [layout.lexicalPart(index, id, part), bytes]),
  ];
  for (const [key, bytes] of wanted) {
    const size = sizes.get(key);
    if (size === undefined) throw corrupt(`inverted file ${id}`, `there is no object ${key}`);
    if (size !== bytes) throw corrupt(`inverted file ${id}`, `${key} has ${size} bytes, the manifest says ${bytes}`);
  }
}

async function checkLists(
  { store, index, manifest, deep }: CheckedIndex,
  entry: InvertedEntry,
  codebook: Codebook | undefined,
  documentIds: readonly string[],
): Promise<void> {
  const identity = segmentIdentityOf(manifest, { vectorCount: 1 });
  const file = await openInvertedFile(store, { index, entry, identity });
  if (!deep || codebook === undefined) return;
  const { offsets } = codebook.cells;
  const what = `inverted file ${entry.id}`;
  if (file.cellCount !== offsets.length - 1) throw corrupt(what, `it has ${file.cellCount} cells`);
  const { problem } = await damagedAmong(file.cellCount, BLOCKS_AT_ONCE, async (cells) => {
    for (const { cell, bytes } of await file.readCells(cells)) {
      const centroids = (offsets[cell + 1] ?? 0) - (offsets[cell] ?? 0);
      decodeCellBlock(bytes, centroids, file.pageCount, `${what}, cell ${cell}`);
    }
  });
  if (problem !== undefined) throw corrupt(what, problem);
  const queue = new PQueue({ concurrency: MAX_CONCURRENT_READS });
  await queue.addAll(documentIds.map((id) => async () => await file.findDocument(id)));
}

async function checkTerms({ store, index, manifest, deep }: CheckedIndex, entry: InvertedEntry): Promise<void> {
  const { id, pageCount, lexical } = entry;
  if (lexical === undefined) return;
  const identity = segmentIdentityOf(manifest, { vectorCount: 1 });
  const file = await openLexicalFile(store, { index, entry: { id, pageCount, lexical }, identity });
  if (!deep) return;
  const { problem } = await damagedAmong(file.blockCount, BLOCKS_AT_ONCE, async (blocks) => {
    await file.readBlocks(blocks);
  });
  if (problem !== undefined) throw corrupt(`lexical index ${id}`, problem);
}
