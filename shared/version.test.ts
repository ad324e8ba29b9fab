import { describe, expect, it } from "vitest";
import packageJson from "../package.json" with { type: "json" };
import { VERSION } from "./version.ts";

describe("VERSION", () => {
  it("is the version of package.json", () => {
    expect(VERSION).toBe(packageJson.version);
  });
});
