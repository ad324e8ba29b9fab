/**
 * Runs the command line: arguments in, exit status out.
 *
 * @module
 */
import { createReadStream } from "node:fs";
import { text } from "node:stream/consumers";
import { z } from "zod";
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
// `maxleaf documents | head`: the reader has seen enough.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(EXIT.ok);
  throw error;
});

/** From the command line, or from where the launcher put them (see maxleaf.mjs). */
async function readArguments(): Promise<string[]> {
  const fd = process.env["MAXLEAF_ARGUMENTS_FD"];
  if (fd === undefined) return process.argv.slice(2);
  delete process.env["MAXLEAF_ARGUMENTS_FD"];
  return z.array(z.string()).parse(JSON.parse(await text(createReadStream("", { fd: Number(fd) }))));
}

const program = createProgram(context);
try {
  await program.parseAsync(await readArguments(), { from: "user" });
  process.exitCode = context.exitCode;
} catch (error) {
  process.exitCode = reportError(error, context.terminal, program.opts<{ debug?: boolean }>().debug === true);
} finally {
  process.off("SIGINT", onSignal);
  process.off("SIGTERM", onSignal);
}
// What Ctrl-C cut short may still hold a model's thread or a connection.
if (interrupt.signal.aborted) process.exit();
