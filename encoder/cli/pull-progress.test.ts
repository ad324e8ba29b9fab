import { expect, it } from "vitest";
import { showPullProgress } from "./pull-progress.ts";
import { recordingTerminal } from "./testing.ts";

it("prints a line per file and tenth when nobody watches, and none when it is quiet", () => {
  for (const quiet of [false, true]) {
    const terminal = recordingTerminal();
    const progress = showPullProgress(terminal, quiet);
    progress.update({ stage: "verifying", file: "a.onnx", doneBytes: 0, totalBytes: 1_000_000 });
    for (let doneBytes = 0; doneBytes <= 250_000; doneBytes += 1_000) {
      progress.update({ stage: "fetching", file: "a.onnx", doneBytes, totalBytes: 1_000_000 });
    }
    progress.update({ stage: "fetching", file: "b.json", doneBytes: 250_000, totalBytes: 1_000_000 });
    progress.stop();
    const lines = [
      "verifying a.onnx: 0 B of 1.0 MB",
      "fetching a.onnx: 0 B of 1.0 MB",
      "fetching a.onnx: 100.0 kB of 1.0 MB",
      "fetching a.onnx: 200.0 kB of 1.0 MB",
      "fetching b.json: 250.0 kB of 1.0 MB",
      "",
    ];
    expect(terminal.stderr).toBe(quiet ? "" : lines.join("\n"));
    expect(terminal.stdout).toBe("");
  }
});
