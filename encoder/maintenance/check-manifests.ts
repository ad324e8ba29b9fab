/**
 * Whether the chain of manifests can be read, and CURRENT leads to its end.
 *
 * @module
 */
import PQueue from "p-queue";
import { readManifestVersion } from "../../shared/format/manifest-store.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import { MAX_CONCURRENT_READS } from "../../shared/limits.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { examine, type Finding } from "./finding.ts";
import { listManifests } from "./object-kinds.ts";

export interface ManifestCheck {
  findings: Finding[];
  /** Versions that were read. */
  versions: number;
  /** The newest one that can be read: what the index is, or will be once mended. Undefined when there is none. */
  newest: Manifest | undefined;
}

/** Errors: `store_unavailable`. */
export async function checkManifests(store: ObjectStore, index: string): Promise<ManifestCheck> {
  const versions = (await listManifests(store, index)).map(({ version }) => version);
  const problems = new Map<number, string>();
  let newest: Manifest | undefined;
  const queue = new PQueue({ concurrency: MAX_CONCURRENT_READS });
  await queue.addAll(
    versions.map((version) => async () => {
      const read = await examine(async () => await readManifestVersion(store, index, version));
      if ("problem" in read) problems.set(version, read.problem);
      else if (read.value !== undefined && read.value.version > (newest?.version ?? 0)) newest = read.value;
    }),
  );
  const last = versions.at(-1);
  const findings = Array.from(problems, ([version, problem]) =>
    version > (newest?.version ?? 0)
      ? unreadableNewest(index, version, problem, newest)
      : unreadableOld(version, problem),
  );
  if (last !== undefined) findings.push(...(await checkCurrent(store, index, versions)));
  return { findings, versions: versions.length, newest };
}

function unreadableNewest(index: string, version: number, problem: string, newest: Manifest | undefined): Finding {
  const key = layout.manifest(index, version);
  const restore =
    newest === undefined
      ? "no other version can be read: import an export, or ingest the source files, under another name"
      : `restore version ${newest.version}: remove the object ${key} (keep a copy); what later commits changed must be done again`;
  return {
    severity: "error",
    problem,
    meaning: "the index cannot be opened, neither to search nor to change it",
    mend: `bring back ${key} from a copy of the bucket; or ${restore}`,
  };
}

function unreadableOld(version: number, problem: string): Finding {
  return {
    severity: "warning",
    problem,
    meaning: `searches are not concerned: newer versions are there; but maxleaf gc removes nothing while version ${version} counts`,
    mend: "nothing has to be done; gc works again when the version is older than the grace period",
  };
}

async function checkCurrent(store: ObjectStore, index: string, versions: readonly number[]): Promise<Finding[]> {
  const object = await store.get(layout.current(index));
  const named = object === undefined ? undefined : Number(new TextDecoder().decode(object.bytes));
  const last = versions.at(-1);
  if (named !== undefined && versions.includes(named)) {
    const following = versions.filter((version) => version > named);
    const hasGap = following.some((version, at) => version !== named + 1 + at);
    if (!hasGap) return [];
    return [
      {
        severity: "error",
        problem: `CURRENT names version ${named}, and versions between it and ${last} are missing`,
        meaning: "readers take an older version for the newest, and the next commit would go on from it",
        mend: `write the number ${last} into the object ${layout.current(index)}`,
      },
    ];
  }
  const what = named === undefined ? "there is no CURRENT" : `CURRENT names version ${named}, which is not there`;
  return [
    {
      severity: "warning",
      problem: what,
      meaning: "opening the index takes a listing more; nothing is lost",
      mend: "the next commit writes it anew",
    },
  ];
}
