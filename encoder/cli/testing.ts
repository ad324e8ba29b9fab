/**
 * A terminal for tests that keeps what is written.
 *
 * @module
 */
import type { Terminal } from "./terminal.ts";

export interface RecordingTerminal extends Terminal {
  stdout: string;
  stderr: string;
}

export function recordingTerminal(): RecordingTerminal {
  const terminal: RecordingTerminal = {
    stdout: "",
    stderr: "",
    out: (text) => {
      terminal.stdout += text;
    },
    err: (text) => {
      terminal.stderr += text;
    },
    outIsTty: false,
    errIsTty: false,
    bold: (text) => `*${text}*`,
    dim: (text) => text,
  };
  return terminal;
}
