import { expect, it } from "vitest";
import { commitManifest } from "../../shared/format/manifest-store.ts";
import { recipeFingerprint } from "../../shared/recipe/fingerprint.ts";
import { testRecipe } from "../../shared/recipe/testing.ts";
import { layout } from "../../shared/store/layout.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import { type Chore, lookAfter } from "./look-after.ts";
import { recordingTerminal } from "./testing.ts";

const chore: Chore<{ size: number }, { size: number }> = {
  plan: async (_store, index) => ({ size: index.length }),
  asPlanned: ({ size }) => `${size} would be done`,
  work: async ({ index, onWarning }, _signal, onProgress) => {
    onProgress("counting", 0.5);
    onWarning(`${index} was odd`);
    return index === "empty" ? undefined : { size: index.length };
  },
  asDone: (report) => (report === undefined ? "nothing to do" : `${report.size} done`),
};

/** Two indexes, a dropped one, and what a first commit has not reached yet. */
async function bucket(): Promise<MemoryStore> {
  const store = new MemoryStore();
  const recipe = testRecipe({ dim: 16 });
  const draft = { recipe, recipeFingerprint: await recipeFingerprint(recipe), segments: [] };
  for (const index of ["books", "empty", "gone"]) await commitManifest(store, index, () => draft);
  await commitManifest(store, "gone", () => ({ ...draft, droppedAtMs: 1 }));
  await store.put(layout.codebook("begun", "codebook-1"), new Uint8Array(1));
  return store;
}

async function look(options: { which?: string; dryRun?: boolean; json?: boolean }) {
  const terminal = recordingTerminal();
  const context = { terminal, signal: new AbortController().signal, env: {}, exitCode: 0 };
  const { which, dryRun = false, json = false } = options;
  await lookAfter(context, { store: await bucket(), which, dryRun, json }, chore);
  return terminal;
}

it("does one index or all that there are, and says what came of it", async () => {
  const all = await look({});
  expect(all.stdout).toMatch(/^books: 5 done; \d+ s\nempty: nothing to do\n$/);
  expect(all.stderr).toMatch(/^books: counting\nmaxleaf: books was odd\nempty: counting\n/);
  expect((await look({ which: "books" })).stdout).toMatch(/^books: 5 done/);
  await expect(look({ which: "nothing" })).rejects.toMatchObject({ code: "index_not_found" });
});

it("only says what would be done", async () => {
  const { stdout, stderr } = await look({ dryRun: true });
  expect(stdout).toBe("books: 5 would be done\nempty: 5 would be done\n");
  expect(stderr).toBe("");
});

it("says the same as JSON", async () => {
  expect(JSON.parse((await look({ json: true })).stdout)).toEqual({
    indexes: [
      { index: "books", done: true, size: 5, seconds: expect.any(Number) },
      { index: "empty", done: false, seconds: expect.any(Number) },
    ],
  });
  expect(JSON.parse((await look({ json: true, dryRun: true, which: "books" })).stdout)).toEqual({
    indexes: [{ index: "books", size: 5 }],
  });
});
