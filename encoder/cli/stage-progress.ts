/**
 * Shows how far a piece of work in stages is: a bar when a person watches, a line per stage otherwise. Always on stderr.
 *
 * @module
 */
import cliProgress from "cli-progress";
import type { Terminal } from "./terminal.ts";

/** Steps of a bar. */
const STEPS = 1_000;

export interface StageProgress {
  /** `share` is 0 … 1. */
  update(stage: string, share: number): void;
  /** Takes the bar away. Call it whatever happened: the cursor is hidden until then. */
  stop(): void;
}

/** @param quiet - No lines when nobody watches; a bar is shown all the same. */
export function showStageProgress(terminal: Terminal, quiet: boolean): StageProgress {
  if (terminal.errIsTty) return bar();
  let shown = "";
  return {
    update: (stage) => {
      if (stage !== shown && !quiet) terminal.err(`${stage}\n`);
      shown = stage;
    },
    stop: () => undefined,
  };
}

function bar(): StageProgress {
  const shown = new cliProgress.SingleBar(
    {
      format: "{stage} {bar} {percentage}% | {eta_formatted} left",
      stream: process.stderr,
      hideCursor: true,
      gracefulExit: false,
      clearOnComplete: true,
    },
    cliProgress.Presets.shades_classic,
  );
  let current: string | undefined;
  return {
    update: (stage, share) => {
      if (stage !== current) {
        if (current !== undefined) shown.stop();
        shown.start(STEPS, 0, { stage });
        current = stage;
      }
      shown.update(Math.round(share * STEPS));
    },
    stop: () => shown.stop(),
  };
}
