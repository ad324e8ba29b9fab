import { describe, expect, it } from "vitest";
import { showIngestProgress } from "./progress.ts";
import { recordingTerminal } from "./testing.ts";

const a = { name: "a.pdf", path: "/a.pdf", bytes: 100 };
const b = { name: "b.pdf", path: "/b.pdf", bytes: 100 };
const c = { name: "c.pdf", path: "/c.pdf", bytes: 100 };
const files = [a, b, c];

describe("showIngestProgress", () => {
  it("prints a line per document that changed when nobody watches", () => {
    const terminal = recordingTerminal();
    const progress = showIngestProgress(files, terminal, false);
    // In any order.
    progress.onPage?.(a, 2, 2, true);
    progress.onPage?.(a, 1, 2, false);
    progress.onFile?.(a, "added");
    progress.onFile?.(b, "unchanged");
    progress.onFile?.(c, "failed");
    progress.onCommit?.({ stage: "coding", share: 0.5 });
    progress.onCommit?.({ stage: "coding", share: 1 });
    progress.stop();
    const lines = terminal.stderr.split("\n");
    expect(lines[0]).toMatch(/^added a\.pdf \(2 pages\): 1 of 3 files, \d+\.\d pages\/s, … left$/);
    expect(lines[1]).toMatch(/^failed c\.pdf: 3 of 3 files/);
    expect(lines.slice(2)).toEqual(["writing segments", ""]);
    expect(terminal.stdout).toBe("");
  });

  it("prints nothing when it is quiet", () => {
    const terminal = recordingTerminal();
    const progress = showIngestProgress(files, terminal, true);
    progress.onFile?.(a, "added");
    progress.stop();
    expect(terminal.stderr).toBe("");
  });
});
