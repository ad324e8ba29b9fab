/**
 * Every operation over a store that is slow, answers 412, 429 and 503, gives short bodies and stale reads, and loses the
 * answers to writes that landed.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { note, seedsOf, withSeed } from "./support/report.ts";
import {
  documentScenarios,
  exportForImports,
  importScenarios,
  indexScenarios,
  maintenanceScenarios,
} from "./support/scenarios.ts";
import { Trial } from "./support/trial.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-faults-"));
  await exportForImports(folder);
});
afterAll(async () => await rm(folder, { recursive: true }));

describe("over a store with every fault", () => {
  const scenarios = {
    ...documentScenarios,
    ...maintenanceScenarios,
    ...indexScenarios,
    ...importScenarios(() => folder),
  };
  it.each(Object.entries(scenarios))("%s", { timeout: 600_000 }, async (name, scenario) => {
    const trial = await Trial.of(scenario);
    const seeds = seedsOf("faultyRuns");
    let faults = 0;
    for (const seed of seeds) faults += await withSeed(seed, async () => await trial.runOverFaults(seed));
    note(`over faulty stores: ${name}`, { runs: seeds.length, faults });
    expect(faults).toBeGreaterThan(0);
  });
});
