/**
 * A commit must never name what a garbage collection may have removed meanwhile: one that comes too late is refused.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DEFAULT_GRACE_HOURS } from "../../encoder/maintenance/collect-garbage.ts";
import { addWithFiles } from "../../encoder/maintenance/testing.ts";
import { TestIndex } from "../../encoder/indexing/testing-index.ts";
import { buildInvertedFile } from "../../encoder/indexing/inverted-file.ts";
import { MaxleafError } from "../../shared/errors.ts";
import { commitManifest, type ManifestDraft } from "../../shared/format/manifest-store.ts";
import { MAX_UNCOMMITTED_MS } from "../../shared/limits.ts";
import type { Clock } from "../../shared/ports.ts";
import { recipeFingerprint } from "../../shared/recipe/fingerprint.ts";
import { testRecipe } from "../../shared/recipe/testing.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import { decorate } from "../../encoder/indexing/testing-index.ts";

const INDEX = "books";
const recipe = testRecipe({ dim: 16 });
const fingerprint = await recipeFingerprint(recipe);
const draft = (): ManifestDraft => ({ recipe, recipeFingerprint: fingerprint, segments: [] });

/** A clock that a test moves; sleeping takes `sleepMs`. */
class HandClock implements Clock {
  now = 1_700_000_000_000;
  sleepMs = 0;

  nowMs(): number {
    return this.now;
  }

  async sleep(): Promise<void> {
    this.now += this.sleepMs;
    await Promise.resolve();
  }
}

describe("a commit that comes late", () => {
  it("has a bound well below the grace period of garbage collection", () => {
    expect(DEFAULT_GRACE_HOURS * 3_600_000 - MAX_UNCOMMITTED_MS).toBeGreaterThanOrEqual(24 * 3_600_000);
  });

  it("is refused when what it names was stored too long ago, and writes nothing", async () => {
    const store = new MemoryStore();
    const clock = new HandClock();
    const late = { clock, storedSinceMs: clock.now - MAX_UNCOMMITTED_MS - 1 };
    await expect(commitManifest(store, INDEX, draft, late)).rejects.toMatchObject({
      code: "commit_expired",
      message: 'a change of index "books" took 48 h from storing to committing; after 48 h it must be made anew',
    });
    expect((await store.list("")).objects).toEqual([]);
    const inTime = { clock, storedSinceMs: clock.now - MAX_UNCOMMITTED_MS };
    expect(await commitManifest(store, INDEX, draft, inTime)).toMatchObject({ version: 1 });
  });

  it("is refused at a later attempt, when the machine slept before it", async () => {
    const clock = new HandClock();
    clock.sleepMs = MAX_UNCOMMITTED_MS + 1;
    let puts = 0;
    const busy = decorate(new MemoryStore(), {
      put: async () => {
        puts += 1;
        throw new MaxleafError("store_unavailable", "busy");
      },
    });
    const late = commitManifest(busy, INDEX, draft, { clock, storedSinceMs: clock.now });
    await expect(late).rejects.toMatchObject({ code: "commit_expired" });
    expect(puts).toBe(1);
  });
});

describe("a machine that sleeps in the middle of a change", () => {
  let books: TestIndex;
  let clock: HandClock;
  beforeEach(() => {
    books = new TestIndex();
    clock = new HandClock();
  });
  afterEach(async () => await books.close());

  /** The store of a machine that sleeps before it writes the first object whose key has `part`. */
  const sleepingBefore = (part: string) => {
    let slept = false;
    return decorate(books.store, {
      put: async (key, ...rest) => {
        if (!slept && key.includes(part)) {
          slept = true;
          clock.now += MAX_UNCOMMITTED_MS + 1;
        }
        return await books.store.put(key, ...rest);
      },
    });
  };

  it.each(["/segments/", "/codebooks/"])("before it stores %s does not commit, and does all again", async (part) => {
    const writer = await books.openWriter({ clock, store: sleepingBefore(part) });
    await addWithFiles(books, writer, "a", [20, 0]);
    await expect(writer.commit()).rejects.toMatchObject({ code: "commit_expired" });
    await expect(books.manifest()).rejects.toThrow("there is no index");
    // The document is dropped: its images may be gone. Ingested again, it is there.
    expect(await writer.commit()).toBeUndefined();
    await addWithFiles(books, writer, "a", [20, 0]);
    expect(await writer.commit()).toMatchObject({ documents: 1 });
  });

  it("does not commit an inverted file", async () => {
    const writer = await books.openWriter();
    await addWithFiles(books, writer, "a", [20]);
    await writer.commit();
    const before = await books.manifest();
    const target = { store: sleepingBefore("/inverted/"), index: books.name, clock };
    await expect(buildInvertedFile(target)).rejects.toMatchObject({ code: "commit_expired" });
    expect(await books.manifest()).toEqual(before);
    expect((await buildInvertedFile(target))?.inverted).toBeDefined();
  });
});
