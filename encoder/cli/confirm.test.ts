import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { requireYes } from "./confirm.ts";
import { Interrupted } from "./context.ts";
import { recordingTerminal } from "./testing.ts";

function ask(answer: string | undefined, signal = new AbortController().signal) {
  const terminal = recordingTerminal();
  const input = Object.assign(new PassThrough(), { isTTY: true });
  const asked = requireYes({ terminal, signal }, "drop it?", input);
  if (answer !== undefined) input.end(answer);
  return { terminal, asked };
}

describe("requireYes", () => {
  it("goes on after a yes only", async () => {
    for (const answer of ["y\n", "Yes\n", " y \n"]) await ask(answer).asked;
    for (const answer of ["\n", "n\n", "yesterday\n", ""]) {
      await expect(ask(answer).asked).rejects.toMatchObject({
        code: "invalid_request",
        message: "not confirmed: nothing was changed",
      });
    }
  });

  it("asks on stderr, where output of the command is not", async () => {
    const { terminal, asked } = ask("y\n");
    await asked;
    expect(terminal).toMatchObject({ stderr: "drop it? [y/N] ", stdout: "" });
  });

  it("is interrupted by Ctrl-C", async () => {
    const stop = new AbortController();
    const { asked } = ask(undefined, stop.signal);
    stop.abort(new Interrupted());
    await expect(asked).rejects.toBeInstanceOf(Interrupted);
  });

  it("refuses to ask where nobody is", async () => {
    const terminal = recordingTerminal();
    const { signal } = new AbortController();
    await expect(requireYes({ terminal, signal }, "drop it?", new PassThrough())).rejects.toMatchObject({
      code: "invalid_request",
      message: expect.stringContaining("--yes"),
    });
    expect(terminal.stderr).toBe("");
  });
});
