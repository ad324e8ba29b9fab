import { reset } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { indexListSchema, indexSchema } from "../../shared/api/search.ts";
import { addSegment, createRandomIndex, deleteDocument } from "../../shared/engine/testing/random-index.ts";
import { documentIdOf } from "../../shared/names.ts";
import { seededRandom } from "../../shared/seeded-random.ts";
import { layout } from "../../shared/store/layout.ts";
import { readProblem, startApp, type TestApp } from "../testing/harness.ts";
import { writeWordIndex } from "../testing/word-index.ts";

let app: TestApp;

beforeEach(async () => {
  await reset();
  app = startApp();
});

async function readIndex(name: string) {
  const response = await app.fetch(`/v1/indexes/${name}`);
  expect(response.status).toBe(200);
  return indexSchema.parse(await response.json());
}

describe("GET /v1/indexes", () => {
  it("is an empty list over an empty bucket", async () => {
    expect(await (await app.fetch("/v1/indexes")).json()).toEqual({ indexes: [], aliases: [] });
  });

  it("lists every index by name", async () => {
    for (const name of ["second", "first"]) {
      await writeWordIndex(app.services.store, name, [
        { name: "a.pdf", revision: "00000000000000aa", pages: ["paper leaf"] },
      ]);
    }
    const { indexes } = indexListSchema.parse(await (await app.fetch("/v1/indexes")).json());
    expect(indexes.map(({ name }) => name)).toEqual(["first", "second"]);
  });
});

describe("GET /v1/indexes/{index}", () => {
  it("counts documents, pages, and what can be found", async () => {
    await writeWordIndex(app.services.store, "counted", [
      { name: "a.pdf", revision: "00000000000000aa", pages: ["paper leaf", ""] },
      { name: "b.pdf", revision: "00000000000000bb", pages: ["tree"] },
    ]);
    expect(await readIndex("counted")).toMatchObject({
      name: "counted",
      recipe: "test-words",
      version: 1,
      documents: 2,
      pages: 3,
      searchablePages: 2,
      vectors: 3,
    });
  });

  it("does not count what was replaced", async () => {
    const document = { name: "a.pdf", revision: "00000000000000aa", pages: ["paper leaf", "tree"] };
    await writeWordIndex(app.services.store, "counted", [document]);
    await writeWordIndex(
      app.services.store,
      "counted",
      [{ ...document, revision: "00000000000000bb", pages: ["river"] }],
      {
        replacing: true,
      },
    );
    expect(await readIndex("counted")).toMatchObject({
      version: 2,
      documents: 1,
      pages: 1,
      searchablePages: 1,
      vectors: 1,
    });
  });

  it("counts a document once that lies in several segments", async () => {
    const shape = { dim: 32, subspaces: 8, centroidCount: 40 };
    const index = await createRandomIndex(app.services.store, "continued", shape, seededRandom(1));
    const large = { name: "large.pdf", pages: [3, 4] };
    await addSegment(index, [{ name: "small.pdf", pages: [5] }, large]);
    await addSegment(index, [
      { ...large, firstPage: 3 },
      { name: "other.pdf", pages: [6] },
    ]);
    await addSegment(index, [{ ...large, firstPage: 5 }]);
    expect(await readIndex("continued")).toMatchObject({ documents: 3, pages: 8 });
    await deleteDocument(index, await documentIdOf("other.pdf"));
    expect(await readIndex("continued")).toMatchObject({ documents: 2, pages: 7 });
  });

  it("names an index that there is not", async () => {
    const response = await app.fetch("/v1/indexes/nothing-here");
    expect(response.status).toBe(404);
    expect(await readProblem(response)).toMatchObject({
      code: "index_not_found",
      detail: expect.stringContaining("nothing-here"),
    });
  });

  it("refuses what cannot be a name", async () => {
    const response = await app.fetch("/v1/indexes/..%2fsecrets");
    expect(response.status).toBe(400);
    expect((await readProblem(response)).code).toBe("invalid_name");
  });

  it("says that a damaged manifest is damaged", async () => {
    const manifest = await writeWordIndex(app.services.store, "damaged", [
      { name: "a.pdf", revision: "00000000000000aa", pages: ["paper"] },
    ]);
    await app.services.store.put(layout.manifest("damaged", manifest.version), new TextEncoder().encode("{"));
    const response = await app.fetch("/v1/indexes/damaged");
    expect(response.status).toBe(500);
    expect((await readProblem(response)).code).toBe("corrupt_data");
  });
});
