import { describe, expect, it } from "vitest";
import { formatBytes, formatCount, formatMs, formatQuantity, splitName } from "./format.ts";

describe("numbers for people", () => {
  it("groups thousands and minds the plural", () => {
    expect(formatCount(12_345)).toBe("12,345");
    expect(formatQuantity(1, "page")).toBe("1 page");
    expect(formatQuantity(0, "page")).toBe("0 pages");
  });

  it("writes times with as many digits as matter", () => {
    expect(formatMs(0)).toBe("0 ms");
    expect(formatMs(0.42)).toBe("0.4 ms");
    expect(formatMs(12.4)).toBe("12 ms");
    expect(formatMs(3_210)).toBe("3.2 s");
  });

  it("writes bytes in binary units", () => {
    expect(formatBytes(512)).toBe("512 B");
    expect(formatBytes(1_536)).toBe("1.5 KiB");
    expect(formatBytes(64 * 1_024)).toBe("64 KiB");
    expect(formatBytes(3 * 1_024 ** 4)).toBe("3072 GiB");
  });
});

describe("splitName", () => {
  it("parts the folder from the file", () => {
    expect(splitName("a/b/c.pdf")).toEqual({ folder: "a/b/", file: "c.pdf" });
    expect(splitName("c.pdf")).toEqual({ folder: "", file: "c.pdf" });
  });
});
