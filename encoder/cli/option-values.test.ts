import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Command } from "commander";
import { deviceOption, hours, indexName, integer, list, metadata } from "./option-values.ts";

describe("integer", () => {
  const parse = integer(1, 1_000);

  it("takes what is in the range", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), (value) => {
        expect(parse(String(value))).toBe(value);
      }),
    );
  });

  it.each(["0", "1001", "1000000000", "1e2", "0x10", "-1", "1.5", " 1", "", "ten", "Infinity"])(
    "refuses %j",
    (text) => {
      expect(() => parse(text)).toThrow("It must be a whole number from 1 to 1000.");
    },
  );
});

describe("hours", () => {
  it.each([
    ["0", 0],
    ["72", 72],
    ["1.5", 1.5],
    ["8760", 8_760],
  ])("takes %j", (text, value) => {
    expect(hours(text)).toBe(value);
  });

  it.each(["-1", "8761", "soon", "", "1h", "1e3", "Infinity", "."])("refuses %j", (text) => {
    expect(() => hours(text)).toThrow("It must be a number of hours from 0 to 8760.");
  });
});

describe("indexName", () => {
  it("passes on why a name is none", () => {
    expect(indexName("annual-reports_2")).toBe("annual-reports_2");
    expect(() => indexName("../up")).toThrow('"../up" is no index name');
  });
});

describe("metadata", () => {
  it("collects fields; a value may contain =, and be empty", () => {
    const fields = ["a=1", "b=x=y", "c="].reduce<Record<string, string> | undefined>(
      (collected, text) => metadata(text, collected),
      undefined,
    );
    expect(fields).toEqual({ a: "1", b: "x=y", c: "" });
  });

  it("keeps a field called __proto__ a field", () => {
    expect(Object.keys(metadata("__proto__=x"))).toEqual(["__proto__"]);
  });

  it("refuses what is no field, too long, or too many", () => {
    expect(() => metadata("novalue")).toThrow("key=value");
    expect(() => metadata("=value")).toThrow("key=value");
    expect(() => metadata(`a=${"x".repeat(513)}`)).toThrow("more than 512 characters");
    const many = Object.fromEntries(Array.from({ length: 32 }, (_, at) => [`f${at}`, ""]));
    expect(() => metadata("one=more", many)).toThrow("more than 32 fields");
  });
});

describe("deviceOption", () => {
  const parse = (...args: string[]) =>
    new Command()
      .exitOverride()
      .configureOutput({ writeErr: () => undefined })
      .addOption(deviceOption("where"))
      .parse(args, { from: "user" })
      .opts<{ device: string }>().device;

  it("takes a device that there may be, by itself by default", () => {
    expect([parse(), parse("--device", "cpu"), parse("--device", "cuda")]).toEqual(["auto", "cpu", "cuda"]);
    expect(() => parse("--device", "tpu")).toThrow("Allowed choices are auto, cpu, cuda");
  });
});

describe("list", () => {
  it("splits at commas and refuses gaps", () => {
    expect(list("a, b")).toEqual(["a", "b"]);
    expect(() => list("a,,b")).toThrow("a,b,c");
  });
});
