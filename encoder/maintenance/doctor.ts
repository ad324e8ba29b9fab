/**
 * Examines an index: whether everything that its manifest refers to is there and is what it says, what it means when not,
 * and how to mend it. Reads only.
 *
 * @module
 */
import { MaxleafError, quote } from "../../shared/errors.ts";
import type { DocumentEntry } from "../../shared/page.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { checkCodebook, checkInverted } from "./check-inverted.ts";
import { checkManifests } from "./check-manifests.ts";
import { checkOverlay } from "./check-overlay.ts";
import { type CheckedIndex, checkSegment } from "./check-segments.ts";
import type { Finding } from "./finding.ts";
import { listAll } from "./list-all.ts";
import { parseRelativeKey, revisionKey } from "./object-kinds.ts";

/** Documents that a finding names; of more it says how many. */
const MAX_NAMED = 1_000;

export interface ExamineOptions {
  store: ObjectStore;
  index: string;
  /** Also reads every page, every vector and every list: the whole index passes through. */
  deep?: boolean | undefined;
  onProgress?: ((stage: string, share: number) => void) | undefined;
}

export interface Diagnosis {
  index: string;
  /** Of the manifest that was examined; undefined when none can be read. */
  manifestVersion: number | undefined;
  /** When the index was dropped: there is nothing of it to examine. */
  droppedAtMs?: number;
  deep: boolean;
  /** No finding is an error. */
  isWell: boolean;
  /** Documents and pages: those that are not deleted. */
  checked: { manifests: number; segments: number; pages: number; documents: number };
  findings: Finding[];
}

/**
 * @throws MaxleafError `index_not_found` when there is no manifest at all; `store_unavailable`. Damage is not thrown.
 */
export async function examineIndex({ store, index, deep = false, onProgress }: ExamineOptions): Promise<Diagnosis> {
  onProgress?.("reading manifests", 0);
  const { findings, versions, newest: manifest } = await checkManifests(store, index);
  if (versions === 0) throw new MaxleafError("index_not_found", `there is no index ${quote(index)}`);
  const checked = { manifests: versions, segments: 0, pages: 0, documents: 0 };
  const diagnosis = { index, manifestVersion: manifest?.version, deep, checked };
  if (manifest?.droppedAtMs !== undefined) {
    return { ...diagnosis, droppedAtMs: manifest.droppedAtMs, isWell: hasNoError(findings), findings };
  }
  if (manifest === undefined) return { ...diagnosis, isWell: false, findings };
  const examination = new Examination({ store, index, manifest, deep });
  const { codebook, findings: ofCodebook } = await checkCodebook(examination.checked);
  findings.push(...ofCodebook, ...(await checkOverlay(examination.checked)));
  for (const [at, entry] of manifest.segments.entries()) {
    onProgress?.("examining segments", at / manifest.segments.length);
    const { findings: found, documents, revisions } = await checkSegment(examination.checked, entry);
    findings.push(...found);
    examination.add(documents, revisions);
    checked.segments += 1;
    checked.pages += (documents ?? []).reduce((sum, { pages }) => sum + pages, 0);
  }
  checked.documents = examination.live.size;
  onProgress?.("examining the inverted file", 0);
  const ids = Array.from(examination.live.values(), ({ entry }) => entry.id);
  findings.push(...(await checkInverted(examination.checked, codebook, ids)));
  onProgress?.("looking for sources and images", 0);
  findings.push(...(await examination.checkDocuments()));
  return { ...diagnosis, isWell: hasNoError(findings), findings };
}

function hasNoError(findings: readonly Finding[]): boolean {
  return findings.every(({ severity }) => severity !== "error");
}

class Examination {
  readonly checked: CheckedIndex;
  /** By {@link revisionKey}. */
  readonly live = new Map<string, { entry: DocumentEntry; pages: number }>();
  /** All that readable segments know of, deleted ones too. */
  readonly #known = new Set<string>();
  #hasUnreadable = false;

  constructor(checked: CheckedIndex) {
    this.checked = checked;
  }

  add(documents: readonly { entry: DocumentEntry; pages: number }[] | undefined, revisions: DocumentEntry[]): void {
    if (documents === undefined) this.#hasUnreadable = true;
    for (const entry of revisions) this.#known.add(revisionKey(entry));
    for (const { entry, pages } of documents ?? []) {
      const before = this.live.get(revisionKey(entry))?.pages ?? 0;
      this.live.set(revisionKey(entry), { entry, pages: before + pages });
    }
  }

  /** Every live document has all its pages, its source, and the images of all its pages. One listing, no reads. */
  async checkDocuments(): Promise<Finding[]> {
    const { store, index } = this.checked;
    const prefix = layout.index(index);
    const lost = new Set<string>();
    const incomplete: string[] = [];
    const missing = new Map(this.live);
    let group: { revision: string; files: Set<string> } | undefined;
    const end = () => {
      if (group === undefined) return;
      const document = missing.get(group.revision);
      missing.delete(group.revision);
      if (document === undefined && !this.#known.has(group.revision)) lost.add(group.revision);
      if (document !== undefined && !isComplete(document.entry, group.files)) incomplete.push(document.entry.name);
    };
    for await (const { key, size } of listAll(store, `${prefix}documents/`)) {
      const parsed = parseRelativeKey(key.slice(prefix.length));
      if (!("revision" in parsed)) continue;
      if (group?.revision !== parsed.revision) {
        end();
        group = { revision: parsed.revision, files: new Set() };
      }
      group.files.add(parsed.kind === "source" ? `source ${size}` : `${parsed.kind} ${parsed.page}`);
    }
    end();
    incomplete.push(...Array.from(missing.values(), ({ entry }) => entry.name));
    return [...this.#withoutPages(), ...withoutFiles(incomplete), ...(this.#hasUnreadable ? ofUnreadable(lost) : [])];
  }

  #withoutPages(): Finding[] {
    // Of a document that goes on in an unreadable segment nobody knows.
    if (this.#hasUnreadable) return [];
    const documents = [...this.live.values()].filter(({ entry, pages }) => entry.pageCount !== pages);
    if (documents.length === 0) return [];
    return [
      {
        severity: "error",
        problem: "segments have not as many pages of these documents as the documents have",
        meaning: "some of their pages cannot be found, or are found twice",
        mend: "delete these documents and ingest their files again",
        documents: named(documents.map(({ entry }) => entry.name)),
      },
    ];
  }
}

function isComplete({ sourceBytes, pageCount }: DocumentEntry, files: ReadonlySet<string>): boolean {
  if (!files.has(`source ${sourceBytes}`)) return false;
  for (let page = 1; page <= pageCount; page++) {
    if (!files.has(`image ${page}`) || !files.has(`thumbnail ${page}`)) return false;
  }
  return true;
}

function withoutFiles(names: readonly string[]): Finding[] {
  if (names.length === 0) return [];
  return [
    {
      severity: "error",
      problem: "the source, or images of pages, of these documents are missing or have another size",
      meaning: "their pages are found, but cannot all be shown or downloaded",
      mend: "delete these documents and ingest their files again",
      documents: named(names.toSorted()),
    },
  ];
}

function ofUnreadable(lost: ReadonlySet<string>): Finding[] {
  if (lost.size === 0) return [];
  return [
    {
      severity: "warning",
      problem: "these documents, by id and revision, are in no segment that can be read",
      meaning: "those in the damaged segment are among them; others may be left of an ingestion that was cut off",
      mend: "their sources are in the bucket (documents/{id}/{revision}/source) and can be ingested from there",
      documents: named([...lost]),
    },
  ];
}

function named(names: readonly string[]): string[] {
  if (names.length <= MAX_NAMED) return [...names];
  return [...names.slice(0, MAX_NAMED), `… and ${names.length - MAX_NAMED} more`];
}
