import { describe, expect, it } from "vitest";
import { CommitForecast } from "./commit-forecast.ts";

const file = (name: string, bytes: number) => ({ name, path: name, bytes });

describe("CommitForecast", () => {
  it("expects of files to come what came of those before, by size, and up to a commit's worth", () => {
    const [a, b] = [file("a", 100), file("b", 300)];
    const forecast = new CommitForecast([a, b], 10_000);
    expect([forecast.expectedVectors, forecast.isTrainable]).toEqual([0, false]);
    for (let page = 0; page < 2; page++) forecast.page(a, 2, 50);
    expect([forecast.expectedVectors, forecast.isTrainable]).toEqual([400, false]);
    for (let page = 0; page < 5; page++) forecast.page(b, 10, 20);
    // 250 bytes gave 200 vectors.
    expect([forecast.expectedVectors, forecast.isTrainable]).toEqual([320, true]);

    const large = new CommitForecast([a, b], 150);
    large.page(a, 2, 80);
    expect([large.expectedVectors, large.isTrainable]).toEqual([150, true]);
  });

  it("expects nothing of files that no pages came of", () => {
    const files = [file("a", 100), file("b", 300)] as const;
    const forecast = new CommitForecast(files, 10_000);
    forecast.without(files[1]);
    forecast.page(files[0], 1, 70);
    expect(forecast.expectedVectors).toBe(70);
  });
});
