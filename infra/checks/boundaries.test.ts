/**
 * The lint rules that keep the rooms apart do fail a build: run on throw-away files that break them.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..", "..");
let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "maxleaf-boundaries-"));
  copyFileSync(join(root, ".oxlintrc.json"), join(folder, ".oxlintrc.json"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function lint(file: string, imported: string): { status: number | null; output: string } {
  const path = join(folder, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `import { value } from ${JSON.stringify(imported)};\nexport const copy: unknown = value;\n`);
  const oxlint = join(root, "node_modules/oxlint/bin/oxlint");
  const run = spawnSync(process.execPath, [oxlint, path], { cwd: folder, encoding: "utf8" });
  return { status: run.status, output: run.stdout + run.stderr };
}

describe("the walls between the rooms", () => {
  it.each([
    ["edge/search.ts", "../encoder/models/registry.ts"],
    ["edge/routes/search.ts", "../../encoder/models/registry.ts"],
    ["encoder/cli/main.ts", "../../edge/app.ts"],
    ["shared/engine/plan.ts", "../../edge/app.ts"],
    ["shared/engine/plan.ts", "../../encoder/models/registry.ts"],
    ["shared/engine/plan.ts", "node:fs"],
  ])("%s may not import %s", (file, imported) => {
    const { status, output } = lint(file, imported);
    expect(output).toContain("no-restricted-imports");
    expect(status).not.toBe(0);
  });

  it("edge may import shared", () => {
    expect(lint("edge/search.ts", "../shared/engine/plan.ts").status).toBe(0);
  });
});
