/**
 * The process killed at every single write of maintenance: searches answer the same before, meanwhile and after.
 */
import { describe, expect, it } from "vitest";
import { readManifest } from "../../shared/format/manifest-store.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import { compacting, maintenanceScenarios, manySegments, retraining } from "./support/scenarios.ts";
import { INDEX } from "./support/small-documents.ts";
import { Trial } from "./support/trial.ts";

describe("killed at any write", () => {
  it.each(Object.entries(maintenanceScenarios))("%s", async (_name, scenario) => {
    expect(await (await Trial.of(scenario)).crashEverywhere()).toBeGreaterThan(8);
  });

  it("is a test of something: compaction and retraining replace every segment", async () => {
    for (const run of [compacting, retraining]) {
      const store = new MemoryStore();
      await manySegments(store);
      const before = await readManifest(store, INDEX);
      await run(store);
      const after = await readManifest(store, INDEX);
      const ids = new Set(after?.segments.map(({ id }) => id));
      expect(before?.segments.filter(({ id }) => ids.has(id))).toEqual([]);
      expect(after?.inverted?.id).not.toBe(before?.inverted?.id);
    }
  });
});
