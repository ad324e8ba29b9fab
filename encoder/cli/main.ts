/**
 * Runs the command line: arguments in, exit status out.
 *
 * @module
 */
import { type CommandContext, Interrupted } from "./context.ts";
import { EXIT } from "./exit-codes.ts";
import { createProgram } from "./program.ts";
import { reportError } from "./report-error.ts";
import { processTerminal } from "./terminal.ts";

const interrupt = new AbortController();
const context: CommandContext = {
  terminal: processTerminal(),
  signal: interrupt.signal,
  env: process.env,
  exitCode: EXIT.ok,
};

function onSignal(): void {
  // The second time somebody means it.
  if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
  interrupt.abort(new Interrupted());
}
process.on("SIGINT", onSignal);
process.on("SIGTERM", onSignal);

const program = createProgram(context);
try {
  await program.parseAsync();
  process.exitCode = context.exitCode;
} catch (error) {
  process.exitCode = reportError(error, context.terminal, program.opts<{ debug?: boolean }>().debug === true);
} finally {
  process.off("SIGINT", onSignal);
  process.off("SIGTERM", onSignal);
}
