/**
 * The process killed at every single write of what changes whole indexes and their names.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exportForImports, importScenarios, indexScenarios } from "./support/scenarios.ts";
import { Trial } from "./support/trial.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-faults-"));
  await exportForImports(folder);
});
afterAll(async () => await rm(folder, { recursive: true }));

describe("killed at any write", () => {
  const scenarios = { ...indexScenarios, ...importScenarios(() => folder) };
  it.each(Object.entries(scenarios))("%s", async (_name, scenario) => {
    expect(await (await Trial.of(scenario)).crashEverywhere()).toBeGreaterThan(1);
  });
});
