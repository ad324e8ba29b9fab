import { describe, expect, it } from "vitest";
import { IndexMap, parseMapping } from "./index-map.ts";

describe("parseMapping", () => {
  it.each([
    ["uploads=all", { bucket: "uploads", prefix: "", index: "all" }],
    ["uploads/=all", { bucket: "uploads", prefix: "", index: "all" }],
    ["uploads/reports=r", { bucket: "uploads", prefix: "reports/", index: "r" }],
    ["uploads/reports/2023/=r", { bucket: "uploads", prefix: "reports/2023/", index: "r" }],
    ["uploads/a=b=r", { bucket: "uploads", prefix: "a=b/", index: "r" }],
  ])("reads %s", (text, expected) => {
    expect(parseMapping(text)).toEqual(expected);
  });

  it.each(["", "uploads", "=index", "/prefix=index"])("refuses %j", (text) => {
    expect(() => parseMapping(text)).toThrow(expect.objectContaining({ code: "invalid_request" }));
  });

  it("refuses what is no name of an index", () => {
    expect(() => parseMapping("uploads=My Index")).toThrow(expect.objectContaining({ code: "invalid_name" }));
  });
});

describe("IndexMap", () => {
  const map = IndexMap.parse([
    "uploads/reports=reports",
    "uploads=rest",
    "uploads/reports/secret=secret",
    "other=other",
  ]);

  it.each([
    ["uploads", "a.pdf", { index: "rest", name: "a.pdf" }],
    ["uploads", "reports/2023/a.pdf", { index: "reports", name: "2023/a.pdf" }],
    ["uploads", "reports/secret/a.pdf", { index: "secret", name: "a.pdf" }],
    ["uploads", "reports.pdf", { index: "rest", name: "reports.pdf" }],
    ["other", "reports/a.pdf", { index: "other", name: "reports/a.pdf" }],
    ["unknown", "a.pdf", undefined],
  ])("finds the index of %s/%s by the longest prefix", (bucket, key, expected) => {
    expect(map.find(bucket, key)).toEqual(expected);
  });

  it("refuses two mappings to one index by different names", async () => {
    const led = new Map([
      ["current", "reports-2"],
      ["latest", "reports-2"],
    ]);
    const resolve = async (name: string) => led.get(name) ?? name;
    const check = async (...indexes: string[]) =>
      await IndexMap.parse(indexes.map((index, at) => `bucket/${at}=${index}`)).requireDistinctIndexes(resolve);
    await check("current", "reports-1", "other");
    for (const indexes of [
      ["current", "reports-2"],
      ["other", "current", "latest"],
    ]) {
      await expect(check(...indexes)).rejects.toMatchObject({
        code: "invalid_request",
        message: expect.stringMatching(/are both the index "reports-2", which is mapped twice/),
      });
    }
  });

  it("refuses two mappings in which documents or objects could collide", () => {
    const refused = (reason: RegExp) =>
      expect.objectContaining({ code: "invalid_request", message: expect.stringMatching(reason) });
    expect(() => IndexMap.parse(["a/x=one", "b=one"])).toThrow(refused(/"one" is mapped twice/));
    expect(() => IndexMap.parse(["a/x=one", "a/x/=two"])).toThrow(refused(/"a\/x\/" is mapped twice/));
  });
});
