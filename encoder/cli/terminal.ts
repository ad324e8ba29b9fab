/**
 * The command line's only way to the outside: two streams, and what they can show.
 *
 * @module
 */
import { styleText } from "node:util";

export interface Terminal {
  /** Writes to stdout: results only. */
  out(text: string): void;
  /** Writes to stderr: progress, notices, errors. */
  err(text: string): void;
  /** Whether a person watches stdout (stderr). */
  readonly outIsTty: boolean;
  readonly errIsTty: boolean;
  /** Bold where stdout shows it. */
  bold(text: string): string;
  dim(text: string): string;
}

/** The process' own streams. */
export function processTerminal(): Terminal {
  const outIsTty = process.stdout.isTTY;
  // styleText honours NO_COLOR and FORCE_COLOR by itself when it knows the stream.
  const style = (format: "bold" | "dim", text: string) => styleText(format, text, { stream: process.stdout });
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    outIsTty,
    errIsTty: process.stderr.isTTY,
    bold: (text) => style("bold", text),
    dim: (text) => style("dim", text),
  };
}
