import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Calibration } from "../format/manifest.ts";
import { MAX_EXACT_PAGES, MAX_EXHAUSTIVE_PAGES, MIN_PRUNED_CANDIDATES, type PlanContext, planSearch } from "./plan.ts";

function context(change: Partial<PlanContext> = {}): PlanContext {
  return { matchedPages: 1_000_000, interaction: "late", holding: "bags", calibration: undefined, ...change };
}

describe("planSearch", () => {
  it.each([
    [{ k: 10 }, 1_200, { hits: 10, candidates: 64, exact: 28 }],
    [{ k: 10 }, 12_000, { hits: 10, candidates: 256, exact: 28 }],
    [{ k: 10 }, 1_000_000, { hits: 10, candidates: 256, exact: 28 }],
    [{ k: 100 }, 1_200, { hits: 100, candidates: 300, exact: 150 }],
    [{ k: 100 }, 12_000, { hits: 100, candidates: 600, exact: 150 }],
    [{ k: 1_000 }, 4_000, { hits: 1_000, candidates: 4_000, exact: MAX_EXACT_PAGES }],
    [{ k: 10 }, 5, { hits: 5, candidates: 5, exact: 5 }],
    [{ k: 10 }, 0, { hits: 0, candidates: 0, exact: 0 }],
    [{ k: 10, candidates: 20, exact: 0 }, 100, { hits: 10, candidates: 20, exact: 0 }],
    [{ k: 10, candidates: 3 }, 100, { hits: 10, candidates: 10, exact: 10 }],
  ])("plans %o over %i pages as %o", (request, matchedPages, plan) => {
    expect(planSearch(request, context({ matchedPages }))).toMatchObject(plan);
  });

  it.each([
    [{ k: 10 }, 1_000_000, { hits: 10, candidates: 1_000, exact: 250 }],
    [{ k: 1_000 }, 1_000_000, { hits: 1_000, candidates: 3_000, exact: 1_500 }],
    [{ k: 10 }, 100, { hits: 10, candidates: 100, exact: 100 }],
    [{ k: 10, candidates: 50, exact: 20 }, 100, { hits: 10, candidates: 50, exact: 20 }],
  ])("plans %o over %i pages of a dense recipe as %o", (request, matchedPages, plan) => {
    expect(planSearch(request, context({ matchedPages, interaction: "dense" }))).toMatchObject(plan);
  });

  it("reads little where lists are read for every query, and more of both for who asks for more pages", () => {
    const usual = planSearch({ k: 10 }, context({ holding: "heads" }));
    expect(usual).toMatchObject({ candidates: MIN_PRUNED_CANDIDATES, exact: 0, nprobe: 64, listReads: 15 });
    const more = planSearch({ k: 10, candidates: 3 * MIN_PRUNED_CANDIDATES }, context({ holding: "heads" }));
    expect(more).toMatchObject({ listReads: 45, listBytes: 3 * usual.listBytes });
  });

  it("probes no centroid where bags are scanned", () => {
    expect(planSearch({ k: 10, nprobe: 7 }, context()).nprobe).toBe(0);
    expect(planSearch({ k: 10, nprobe: 7 }, context({ holding: "lists" })).nprobe).toBe(7);
  });

  it("scores every page for accuracy `exact`, up to a limit", () => {
    const all = planSearch({ k: 10, accuracy: "exact" }, context({ matchedPages: 500 }));
    expect(all).toMatchObject({ hits: 10, candidates: 500, exact: 500, exhaustive: true, accuracy: 1 });
    const tooMany = context({ matchedPages: MAX_EXHAUSTIVE_PAGES + 1 });
    expect(() => planSearch({ k: 10, accuracy: "exact" }, tooMany)).toThrow(`${MAX_EXHAUSTIVE_PAGES + 1} match`);
  });

  it("never keeps fewer pages than it returns, nor more than there are", () => {
    const count = fc.option(fc.nat(5_000), { nil: undefined });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        count,
        count,
        fc.record({
          matchedPages: fc.nat(10_000),
          interaction: fc.constantFrom("late" as const, "dense" as const),
          holding: fc.constantFrom("bags" as const, "lists" as const, "heads" as const),
          calibration: fc.constant(undefined),
        }),
        fc.constantFrom(undefined, 0.95 as const, 0.98 as const, 0.995 as const),
        (k, candidates, exact, facts, accuracy) => {
          const plan = planSearch({ k, candidates, exact, accuracy }, facts);
          expect(plan.hits).toBe(Math.min(k, facts.matchedPages));
          expect(plan.candidates).toBeGreaterThanOrEqual(plan.hits);
          expect(plan.candidates).toBeLessThanOrEqual(facts.matchedPages);
          expect(plan.exact).toBeLessThanOrEqual(plan.candidates);
        },
      ),
    );
  });
});

describe("accuracy", () => {
  const point = { path: "resident" as const, nprobe: 0, candidates: 64, exact: 8, recall: 0.96, costUs: 500 };
  const calibration: Calibration = {
    measuredAtMs: 0,
    queries: 32,
    k: 10,
    source: "sampled",
    points: [
      { ...point, candidates: 100, exact: 30, recall: 0.985, costUs: 900 },
      point,
      { ...point, candidates: 60, exact: 9, recall: 0.96, costUs: 450 },
      { ...point, path: "pruned", nprobe: 8, candidates: 20, exact: 0, recall: 0.9, costUs: 100 },
      { ...point, nprobe: 16, candidates: 70, recall: 0.97, costUs: 300 },
    ],
  };

  it("takes the cheapest settings that reached it, of those measured in the same way", () => {
    const cheap = planSearch({ k: 10, accuracy: 0.95 }, context({ calibration }));
    expect(cheap).toMatchObject({ candidates: 60, exact: 9, accuracy: 0.96 });
    const good = planSearch({ k: 10, accuracy: 0.98 }, context({ calibration }));
    expect(good).toMatchObject({ candidates: 100, exact: 30, accuracy: 0.985 });
    const lists = planSearch({ k: 10, accuracy: 0.95 }, context({ calibration, holding: "lists" }));
    expect(lists).toMatchObject({ candidates: 70, nprobe: 16, accuracy: 0.97 });
  });

  it("takes the most accurate settings when none reached it, and says what they reach", () => {
    expect(planSearch({ k: 10, accuracy: 0.995 }, context({ calibration }))).toMatchObject({ accuracy: 0.985 });
    const pruned = planSearch({ k: 10, accuracy: 0.95 }, context({ calibration, holding: "heads" }));
    expect(pruned).toMatchObject({ candidates: 20, nprobe: 8, accuracy: 0.9 });
  });

  it("has settings for an index that was not calibrated, and promises nothing", () => {
    const few = planSearch({ k: 10, accuracy: 0.995 }, context({ matchedPages: 1_200 }));
    expect(few).toMatchObject({ candidates: 256, exact: 128, accuracy: undefined });
    // Ranks are more crowded among more pages than it was measured on.
    const many = planSearch({ k: 10, accuracy: 0.995 }, context({ matchedPages: 400_000 }));
    expect(many).toMatchObject({ candidates: 1_024, exact: 128, accuracy: undefined });
  });

  it("lets single settings come first, and says what the calibration knows of them", () => {
    const plan = planSearch({ k: 10, accuracy: 0.98, candidates: 63 }, context({ calibration }));
    expect(plan).toMatchObject({ candidates: 63, exact: 30, accuracy: 0.96 });
    expect(planSearch({ k: 10 }, context({ calibration }))).toMatchObject({ candidates: 256, accuracy: 0.96 });
  });

  it("keeps as many pages for a deep list as without", () => {
    const plan = planSearch({ k: 100, accuracy: 0.95 }, context({ calibration }));
    expect(plan).toMatchObject({ candidates: 600, exact: 150, accuracy: undefined });
  });
});
