/**
 * Whether aliases can be read and lead to indexes.
 *
 * @module
 */
import { quote } from "../../shared/errors.ts";
import { listAliasNames, readAlias } from "../../shared/format/aliases.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { examine, type Finding } from "./finding.ts";

/** What is wrong with the aliases of the bucket, by name. Errors: `store_unavailable`. */
export async function checkAliases(store: ObjectStore): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const name of await listAliasNames(store)) {
    const read = await examine(async () => await readAlias(store, name));
    if ("problem" in read) findings.push(unreadable(name, read.problem));
    else if (read.value !== undefined) findings.push(...(await checkTarget(store, read.value)));
  }
  return findings;
}

async function checkTarget(store: ObjectStore, alias: { name: string; index: string }): Promise<Finding[]> {
  const { name, index } = alias;
  if (await isThere(store, name)) return [shadowed(name, index)];
  return (await isThere(store, index)) ? [] : [dangling(name, index)];
}

/** A damaged manifest is there too: its index is examined by itself. */
async function isThere(store: ObjectStore, index: string): Promise<boolean> {
  const read = await examine(async () => await readManifest(store, index));
  return "problem" in read || read.value !== undefined;
}

function unreadable(name: string, problem: string): Finding {
  return {
    severity: "error",
    problem,
    meaning: `whoever uses the name ${quote(name)} gets an error, also where an index has that name`,
    mend: `remove the object ${layout.alias(name)} and set the alias again: maxleaf alias set ${name} INDEX`,
  };
}

function shadowed(name: string, index: string): Finding {
  return {
    severity: "warning",
    problem: `alias ${quote(name)} leads to ${quote(index)}, and there is an index ${quote(name)}`,
    meaning: "the index wins: the alias is not used",
    mend: `maxleaf alias remove ${name}`,
  };
}

function dangling(name: string, index: string): Finding {
  return {
    severity: "warning",
    problem: `alias ${quote(name)} leads to ${quote(index)}, and there is no such index`,
    meaning: "searches by this name find no index",
    mend: `maxleaf alias set ${name} INDEX, or maxleaf alias remove ${name}; if it was dropped, maxleaf restore ${index}`,
  };
}
