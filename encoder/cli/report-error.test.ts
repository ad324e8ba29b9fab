import { CommanderError } from "commander";
import { describe, expect, it } from "vitest";
import { type ErrorCode, MaxleafError } from "../../shared/errors.ts";
import { Interrupted } from "./context.ts";
import { EXIT, exitCodeOf } from "./exit-codes.ts";
import { reportError } from "./report-error.ts";
import { recordingTerminal } from "./testing.ts";

function report(error: unknown, debug = false) {
  const terminal = recordingTerminal();
  const exitCode = reportError(error, terminal, debug);
  return { exitCode, stdout: terminal.stdout, stderr: terminal.stderr };
}

describe("reportError", () => {
  it("prints one line with the code, and nothing on stdout", () => {
    expect(report(new MaxleafError("index_not_found", 'there is no index "x"'))).toEqual({
      exitCode: 4,
      stdout: "",
      stderr: 'maxleaf: there is no index "x" (index_not_found)\n',
    });
  });

  it("says what an unforeseen error is, without its stack", () => {
    const { exitCode, stderr } = report(new TypeError("x is not a function"));
    expect(exitCode).toBe(1);
    expect(stderr).toBe("maxleaf: unexpected error: x is not a function (internal)\n");
  });

  it("prints stacks and causes when asked to", () => {
    const error = new MaxleafError("internal", "outer", { cause: new Error("the reason") });
    const { stderr } = report(error, true);
    expect(stderr).toMatch(/\n {4}at .*caused by Error: the reason\n {4}at /s);
  });

  it("tells interruption, usage errors and help apart", () => {
    expect(report(new Interrupted()).exitCode).toBe(130);
    expect(report(new CommanderError(1, "commander.unknownOption", "unknown option")).exitCode).toBe(2);
    expect(report(new CommanderError(0, "commander.helpDisplayed", "help"))).toEqual({
      exitCode: 0,
      stdout: "",
      stderr: "",
    });
  });
});

describe("exitCodeOf", () => {
  it.each<[ErrorCode, number]>([
    ["invalid_request", EXIT.usage],
    ["file_encrypted", EXIT.usage],
    ["recipe_mismatch", EXIT.usage],
    ["document_not_found", EXIT.notFound],
    ["recipe_not_found", EXIT.notFound],
    ["store_unavailable", EXIT.unavailable],
    ["model_unavailable", EXIT.unavailable],
    ["corrupt_data", EXIT.unexpected],
    ["internal", EXIT.unexpected],
  ])("ends %s with %d", (code, exitCode) => expect(exitCodeOf(code)).toBe(exitCode));
});
