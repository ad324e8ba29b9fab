import { expect, it } from "vitest";
import { showStageProgress } from "./stage-progress.ts";
import { recordingTerminal } from "./testing.ts";

it("prints a line per stage when nobody watches, and none when it is quiet", () => {
  for (const quiet of [false, true]) {
    const terminal = recordingTerminal();
    const progress = showStageProgress(terminal, quiet);
    for (const share of [0, 0.5, 1]) progress.update("exact answers", share);
    progress.update("searching", 0);
    progress.stop();
    expect(terminal.stderr).toBe(quiet ? "" : "exact answers\nsearching\n");
    expect(terminal.stdout).toBe("");
  }
});
