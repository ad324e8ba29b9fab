/**
 * Shows how far a pull is: a bar when a person watches, lines otherwise. Always on stderr.
 *
 * @module
 */
import cliProgress from "cli-progress";
import type { PullProgress } from "../models/store/pull.ts";
import { byteSize } from "./format.ts";
import type { Terminal } from "./terminal.ts";

/** Steps of a bar, and how many of them pass between two lines: a file of gigabytes gets a sign of life every tenth. */
const STEPS = 1_000;
const STEPS_PER_LINE = 100;

export interface ShownPullProgress {
  update(progress: PullProgress): void;
  /** Takes the bar away. Call it whatever happened: the cursor is hidden until then. */
  stop(): void;
}

/** @param quiet - No lines when nobody watches; a bar is shown all the same. */
export function showPullProgress(terminal: Terminal, quiet: boolean): ShownPullProgress {
  if (terminal.errIsTty) return bar();
  return { update: quiet ? () => undefined : lines(terminal), stop: () => undefined };
}

function bar(): ShownPullProgress {
  const shown = new cliProgress.SingleBar(
    {
      format: "{stage} {file} {bar} {percentage}% | {done} of {all} | {eta_formatted} left",
      stream: process.stderr,
      hideCursor: true,
      gracefulExit: false,
      clearOnComplete: true,
    },
    cliProgress.Presets.shades_classic,
  );
  let current: PullProgress["stage"] | undefined;
  return {
    update: (progress) => {
      const { stage, file, doneBytes, totalBytes } = progress;
      const payload = { stage, file, done: byteSize(doneBytes), all: byteSize(totalBytes) };
      if (stage !== current) {
        if (current !== undefined) shown.stop();
        shown.start(STEPS, 0, payload);
        current = stage;
      }
      shown.update(stepOf(progress), payload);
    },
    stop: () => shown.stop(),
  };
}

function lines(terminal: Terminal): (progress: PullProgress) => void {
  let shownFile = "";
  let shownStep = 0;
  return (progress) => {
    const { stage, file, doneBytes, totalBytes } = progress;
    const step = Math.floor(stepOf(progress) / STEPS_PER_LINE);
    if (`${stage} ${file}` === shownFile && step === shownStep) return;
    shownFile = `${stage} ${file}`;
    shownStep = step;
    terminal.err(`${stage} ${file}: ${byteSize(doneBytes)} of ${byteSize(totalBytes)}\n`);
  };
}

function stepOf({ doneBytes, totalBytes }: PullProgress): number {
  return totalBytes === 0 ? STEPS : Math.round((doneBytes / totalBytes) * STEPS);
}
