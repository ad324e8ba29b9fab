/**
 * Text runs joined to lines: pieces of text that are read without a jump. A table row becomes one line per cell.
 *
 * @module
 */
import { type Box, union } from "./geometry.ts";
import type { TextRun } from "./text-run.ts";

/** Characters in reading order, each with its box. A space that no run drew has the box of the character before it. */
export interface Line {
  text: string;
  boxes: Box[];
  /** Around all visible characters. */
  box: Box;
  angle: number;
  baseline: number;
  height: number;
}

/** Two runs this far apart (in em) are a column or a table cell apart. A justified line's spaces stay below. */
const COLUMN_GAP_EM = 1.5;
/** Runs this far apart are two words although no space was drawn. Kerning moves letters by less. */
const WORD_GAP_EM = 0.15;
/** Runs that overlap by more are printed over each other (a shadow, a fake bold), not in a row. */
const OVERPRINT_EM = 0.5;
/** A superscript leaves the baseline by a third of an em; another line does by one. */
const BASELINE_SHIFT_EM = 0.6;
const SAME_ANGLE = 0.05;

/** Joins runs, which come in content-stream order, to lines. */
export function joinRuns(runs: Iterable<TextRun>): Line[] {
  const lines: Line[] = [];
  let current: { line: Line; last: TextRun } | undefined;
  for (const run of runs) {
    const blank = run.text.trim() === "";
    const gap = current === undefined ? undefined : gapEm(current.last, run);
    if (current === undefined || gap === undefined) {
      if (blank) continue;
      const line = lineOf(run);
      lines.push(line);
      current = { line, last: run };
      continue;
    }
    // A blank run only widens the gap that the next one is measured by; as a run it would bridge two columns.
    if (blank) {
      append(current.line, " ");
      if (run.endsLine) current = undefined;
      continue;
    }
    if (gap > WORD_GAP_EM) append(current.line, " ");
    append(current.line, run.text, run.boxes);
    current.last = run;
  }
  return lines.filter((line) => line.text.trim() !== "");
}

/** How far `next` lies from `last` on the same line, in em; nothing when it is on another line, or a column away. */
function gapEm(last: TextRun, next: TextRun): number | undefined {
  if (last.endsLine || Math.abs(last.angle - next.angle) > SAME_ANGLE) return undefined;
  const em = Math.max(last.height, next.height);
  if (Math.abs(last.baseline - next.baseline) > BASELINE_SHIFT_EM * em) return undefined;
  if (next.text.trim() === "") return 0;
  const gap = Math.max(next.start - last.end, last.start - next.end) / em;
  return gap > COLUMN_GAP_EM || gap < -OVERPRINT_EM ? undefined : gap;
}

function lineOf(run: TextRun): Line {
  const [first] = run.boxes;
  const line: Line = {
    text: "",
    boxes: [],
    box: first ?? [0, 0, 0, 0],
    angle: run.angle,
    baseline: run.baseline,
    height: run.height,
  };
  append(line, run.text, run.boxes);
  return line;
}

function append(line: Line, text: string, boxes: readonly Box[] = []): void {
  const before = line.boxes.at(-1) ?? line.box;
  line.text += text;
  for (let i = 0; i < text.length; i++) {
    const box = boxes[i] ?? before;
    line.boxes.push(box);
    if (text[i] !== " ") line.box = union(line.box, box);
  }
}
