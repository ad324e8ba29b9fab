import { describe, expect, it } from "vitest";
import { type Finding, judge } from "./judge.ts";

const message = (receiveCount: number) => ({ id: "1", body: "", receiveCount, receipt: "r" });
const done = { what: "a", outcome: { state: "added" } } as const;
const left = { what: "b", outcome: { state: "left" } } as const;
const failed = (code: "file_encrypted" | "render_timeout" | "store_unavailable"): Finding => ({
  what: "c",
  outcome: { state: "failed", code, reason: "because" },
});

describe("judge", () => {
  it("acknowledges when all is done or there is nothing to do", () => {
    expect(judge(message(1), [])).toEqual({ kind: "ack" });
    expect(judge(message(9), [done, { what: "d", outcome: { state: "ignored" } }])).toEqual({ kind: "ack" });
  });

  it("gives back at once what was left, whatever else failed", () => {
    expect(judge(message(5), [left, failed("file_encrypted")])).toEqual({ kind: "retry", delayMs: 0, forAll: false });
  });

  it("tries again later and later, then sets aside with the reason", () => {
    const delays = [1, 2, 3, 4].map((count) => judge(message(count), [done, failed("render_timeout")]));
    expect(delays.map((verdict) => verdict.kind === "retry" && verdict.delayMs)).toEqual([
      10_000, 20_000, 40_000, 80_000,
    ]);
    const last = judge(message(5), [done, failed("render_timeout")]);
    expect(last).toEqual({ kind: "fail", reason: "c: render_timeout: because" });
  });

  it("sets aside at once what no repetition changes, unless something else may still succeed", () => {
    expect(judge(message(1), [done, failed("file_encrypted")])).toMatchObject({ kind: "fail" });
    const both = [failed("file_encrypted"), failed("render_timeout")];
    expect(judge(message(1), both)).toMatchObject({ kind: "retry" });
    expect(judge(message(5), both)).toMatchObject({
      kind: "fail",
      reason: expect.stringMatching(/file_encrypted.*; .*render_timeout/),
    });
  });

  it("waits longer for what the worker depends on", () => {
    const delays = [1, 2, 3, 4].map((count) => judge(message(count), [failed("store_unavailable")]));
    expect(delays).toEqual(
      [2, 8, 32, 128].map((minutes) => ({ kind: "retry", delayMs: minutes * 60_000, forAll: true })),
    );
  });
});
