import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VERSION } from "../../shared/version.ts";

const LAUNCHER = fileURLToPath(new URL("maxleaf.mjs", import.meta.url));
/** Makes a Node believe that it is 20.0.0, which strips no types. */
const PRETEND_OLD = `data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.0.0"}})`;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "maxleaf-launcher-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function launch(args: string[], script = LAUNCHER) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: "utf8" });
  return { status, stdout, stderr };
}

describe("the launcher", () => {
  it("works through a link, as npm makes them", () => {
    const link = join(folder, "maxleaf");
    symlinkSync(LAUNCHER, link);
    expect(launch(["--version"], link)).toEqual({ status: 0, stdout: `${VERSION}\n`, stderr: "" });
  });

  it("hands a long command line over whole, and the exit status back", () => {
    const { status, stderr } = launch(["no-such-command", "x".repeat(100_000)]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^maxleaf: unknown command 'no-such-command'/);
  });

  it("finds the Node that came with the install when this one is too old, or says what to do", () => {
    const args = ["--import", PRETEND_OLD, LAUNCHER, "--version"];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    // The install brings a Node for Linux only.
    if (process.platform === "linux") expect({ status, stdout }).toEqual({ status: 0, stdout: `${VERSION}\n` });
    else expect(stderr).toMatch(/^maxleaf: Node 20\.0\.0 is too old: install Node 24/);
  });
});
