/**
 * Shows how far an evaluation is: a bar per stage when a person watches, a line per stage otherwise. Always on stderr.
 *
 * @module
 */
import cliProgress from "cli-progress";
import type { EvalProgress } from "../eval/run-eval.ts";
import { count } from "./format.ts";
import type { Terminal } from "./terminal.ts";

export interface ShownEvalProgress {
  update(progress: EvalProgress): void;
  stop(): void;
}

export function showEvalProgress(terminal: Terminal, quiet: boolean): ShownEvalProgress {
  if (terminal.errIsTty) return bars();
  return quiet ? { update: () => undefined, stop: () => undefined } : lines(terminal);
}

function bars(): ShownEvalProgress {
  const shown = new cliProgress.SingleBar(
    {
      format: "{title} {bar} {value} of {total} | {eta_formatted} left",
      stream: process.stderr,
      hideCursor: true,
      gracefulExit: false,
      clearOnComplete: true,
    },
    cliProgress.Presets.shades_classic,
  );
  let title = "";
  return {
    update: ({ recipe, stage, done, total = 0 }) => {
      if (title !== `${recipe}: ${stage}`) {
        title = `${recipe}: ${stage}`;
        shown.stop();
        shown.start(total, done, { title });
      }
      shown.setTotal(total);
      shown.update(done);
    },
    stop: () => shown.stop(),
  };
}

function lines(terminal: Terminal): ShownEvalProgress {
  let shown = "";
  return {
    update: ({ recipe, stage, total }) => {
      const line = `${recipe}: ${stage}${total === undefined ? "" : ` ${count(total)}`}\n`;
      if (line !== shown) terminal.err(line);
      shown = line;
    },
    stop: () => undefined,
  };
}
