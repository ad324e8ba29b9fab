/**
 * The process killed at every single write of what changes documents: old state or new state, never a mixture.
 */
import { describe, expect, it } from "vitest";
import { documentScenarios } from "./support/scenarios.ts";
import { Trial } from "./support/trial.ts";

describe("killed at any write", () => {
  it.each(Object.entries(documentScenarios))("%s", async (_name, scenario) => {
    expect(await (await Trial.of(scenario)).crashEverywhere()).toBeGreaterThan(5);
  });
});
