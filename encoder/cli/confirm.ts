/**
 * Asking the person at the terminal before something goes.
 *
 * @module
 */
import { createInterface } from "node:readline/promises";
import type { Readable } from "node:stream";
import { MaxleafError } from "../../shared/errors.ts";
import type { CommandContext } from "./context.ts";

/** Where the answer comes from. */
export type Answers = Readable & { isTTY?: boolean };

/**
 * Asks `question` and returns when the answer is yes. Errors: `invalid_request` when it is not, or nobody is there to ask;
 * the reason of the context's signal.
 */
export async function requireYes(
  { terminal, signal }: Pick<CommandContext, "terminal" | "signal">,
  question: string,
  input: Answers = process.stdin,
): Promise<void> {
  if (input.isTTY !== true) throw new MaxleafError("invalid_request", "nobody is there to confirm: give --yes");
  terminal.err(`${question} [y/N] `);
  const lines = createInterface({ input });
  try {
    // The end of the input is no answer, and would leave the question open for ever.
    const ended = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
    const answer = await Promise.race([lines.question("", { signal }), ended]);
    if (/^y(es)?$/i.test(answer.trim())) return;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    lines.close();
  }
  throw new MaxleafError("invalid_request", "not confirmed: nothing was changed");
}
