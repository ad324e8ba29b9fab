/**
 * Searches over a store that is slow, answers 503, gives short bodies and old listings: the right answer or a typed error.
 */
import { describe, expect, it } from "vitest";
import { MaxleafError } from "../../shared/errors.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import { chanceOf } from "./support/chance.ts";
import { FaultyStore } from "./support/faulty-store.ts";
import { type MaybeIndex, stateOf } from "./support/index-state.ts";
import { note, seedsOf, withSeed } from "./support/report.ts";
import { compacting, manySegments } from "./support/scenarios.ts";
import { INDEX } from "./support/small-documents.ts";

/** Of some 60 reads that a look takes: a third of the looks meet none. */
const RATES = { slow: 0.3, unavailable: 0.01, shortBody: 0.01, stale: 0.3 };
const TYPED: ReadonlySet<string> = new Set(["store_unavailable", "corrupt_data"]);
const LOOKS = 5;

/** Looks at an index that is compacted between the looks, which changes no answer; how many ended in an error. */
async function lookOften(seed: number): Promise<number> {
  const store = new MemoryStore();
  await manySegments(store);
  const expected = await stateOf(store, INDEX);
  const faulty = new FaultyStore(store, chanceOf(seed), RATES);
  let errors = 0;
  for (let look = 0; look < LOOKS; look++) {
    if (look === 2) await compacting(store);
    const found = await lookOnce(faulty);
    if (found === undefined) errors++;
    else expect(found).toEqual(expected);
  }
  return errors;
}

/** Undefined for a typed error. */
async function lookOnce(store: FaultyStore): Promise<MaybeIndex | undefined> {
  try {
    return await stateOf(store, INDEX);
  } catch (error) {
    if (error instanceof MaxleafError && TYPED.has(error.code)) return undefined;
    throw error;
  }
}

describe("searches over a faulty store", () => {
  it("find the right pages or say what failed", { timeout: 600_000 }, async () => {
    let errors = 0;
    const seeds = seedsOf("readers");
    for (const seed of seeds) {
      const failed = await withSeed(seed, async () => await lookOften(seed));
      errors += failed;
    }
    note("searches over faulty stores", { looks: seeds.length * LOOKS, errors });
    expect(errors).toBeGreaterThan(0);
    expect(errors).toBeLessThan(seeds.length * LOOKS);
  });
});
