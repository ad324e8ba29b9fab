import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Recipe } from "../recipe/recipe.ts";
import { MAX_EXACT_PAGES, planSearch } from "./plan.ts";

describe("planSearch", () => {
  it.each([
    [{ k: 10 }, 1_000_000, { hits: 10, candidates: 128, exact: 32 }],
    [{ k: 100 }, 1_000_000, { hits: 100, candidates: 400, exact: 150 }],
    [{ k: 1_000 }, 1_000_000, { hits: 1_000, candidates: 4_000, exact: MAX_EXACT_PAGES }],
    [{ k: 10 }, 5, { hits: 5, candidates: 5, exact: 5 }],
    [{ k: 10 }, 0, { hits: 0, candidates: 0, exact: 0 }],
    [{ k: 10, candidates: 20, exact: 0 }, 100, { hits: 10, candidates: 20, exact: 0 }],
    [{ k: 10, candidates: 3 }, 100, { hits: 10, candidates: 10, exact: 10 }],
  ])("plans %o over %i pages as %o", (request, matchedPages, plan) => {
    expect(planSearch(request, matchedPages, "late")).toEqual(plan);
  });

  it.each([
    [{ k: 10 }, 1_000_000, { hits: 10, candidates: 1_000, exact: 250 }],
    [{ k: 1_000 }, 1_000_000, { hits: 1_000, candidates: 4_000, exact: 1_500 }],
    [{ k: 10 }, 100, { hits: 10, candidates: 100, exact: 100 }],
    [{ k: 10, candidates: 50, exact: 20 }, 100, { hits: 10, candidates: 50, exact: 20 }],
  ])("plans %o over %i pages of a dense recipe as %o", (request, matchedPages, plan) => {
    expect(planSearch(request, matchedPages, "dense")).toEqual(plan);
  });

  it("never keeps fewer pages than it returns, nor more than there are", () => {
    const interactions = fc.constantFrom<Recipe["interaction"][]>("late", "dense");
    const count = fc.option(fc.nat(5_000), { nil: undefined });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        count,
        count,
        fc.nat(10_000),
        interactions,
        (k, candidates, exact, pages, interaction) => {
          const plan = planSearch({ k, candidates, exact }, pages, interaction);
          expect(plan.hits).toBe(Math.min(k, pages));
          expect(plan.candidates).toBeGreaterThanOrEqual(plan.hits);
          expect(plan.candidates).toBeLessThanOrEqual(pages);
          expect(plan.exact).toBeLessThanOrEqual(plan.candidates);
        },
      ),
    );
  });
});
