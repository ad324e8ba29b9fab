/**
 * A failure as one line on stderr and an exit status.
 *
 * @module
 */
import { CommanderError } from "commander";
import { MaxleafError } from "../../shared/errors.ts";
import { Interrupted } from "./context.ts";
import { EXIT, exitCodeOf } from "./exit-codes.ts";
import type { Terminal } from "./terminal.ts";

function describe(error: unknown): { line: string; exitCode: number } {
  if (error instanceof MaxleafError) {
    return { line: `${error.message} (${error.code})`, exitCode: exitCodeOf(error.code) };
  }
  if (error instanceof Interrupted) return { line: "interrupted", exitCode: EXIT.interrupted };
  const message = error instanceof Error ? error.message : String(error);
  return { line: `unexpected error: ${message} (internal)`, exitCode: EXIT.unexpected };
}

/** Prints `error` and returns the exit status it asks for. Help and version requests arrive here too, as commander throws them. */
export function reportError(error: unknown, terminal: Terminal, debug: boolean): number {
  // Commander has printed its own message already.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const { line, exitCode } = describe(error);
  terminal.err(`maxleaf: ${line}\n`);
  if (debug && error instanceof Error) terminal.err(`${stackOf(error)}\n`);
  return exitCode;
}

function stackOf(error: Error): string {
  const stack = error.stack ?? error.message;
  return error.cause instanceof Error ? `${stack}\ncaused by ${stackOf(error.cause)}` : stack;
}
