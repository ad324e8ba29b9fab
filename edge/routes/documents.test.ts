import { beforeAll, describe, expect, it } from "vitest";
import { documentPagesSchema } from "../../shared/api/pages.ts";
import { documentListSchema, documentSchema } from "../../shared/api/search.ts";
import { addSegment, createRandomIndex } from "../../shared/engine/testing/random-index.ts";
import { documentIdOf } from "../../shared/names.ts";
import { seededRandom } from "../../shared/seeded-random.ts";
import { readProblem, startApp, type TestApp } from "../testing/harness.ts";
import { writeWordIndex } from "../testing/word-index.ts";

const PATH = "/v1/indexes/library/documents";
const SHAPE = { dim: 16, subspaces: 4, centroidCount: 20 };
const NAMES = ["a.pdf", "b.pdf", "c/d.pdf", "e.pdf", "é.pdf"];

let app: TestApp;

beforeAll(async () => {
  app = startApp();
  const documents = NAMES.map((name) => ({ name, revision: "00000000000000aa", pages: ["paper leaf", ""] }));
  const old = { name: "old.pdf", revision: "00000000000000bb", pages: ["tree"] };
  await writeWordIndex(app.services.store, "library", [old]);
  await writeWordIndex(app.services.store, "library", documents.toReversed(), { replacing: true });
});

async function list(query = "") {
  const response = await app.fetch(`${PATH}${query}`);
  expect(response.status).toBe(200);
  return documentListSchema.parse(await response.json());
}

describe("GET /v1/indexes/{index}/documents", () => {
  it("lists what is live, by name", async () => {
    const { documents, nextCursor } = await list();
    expect(documents.map(({ name }) => name)).toEqual(NAMES);
    expect(nextCursor).toBeUndefined();
    expect(documents[0]).toMatchObject({ pageCount: 2, searchablePages: 1, contentType: "application/pdf" });
  });

  it("gives a document that lies in several segments once, with the pages of all", async () => {
    const part = { name: "large.pdf", revision: "00000000000000cc", pages: ["river", "stone"] };
    await writeWordIndex(app.services.store, "large", [part]);
    await writeWordIndex(app.services.store, "large", [part]);
    const response = await app.fetch("/v1/indexes/large/documents");
    const { documents } = documentListSchema.parse(await response.json());
    expect(documents).toMatchObject([{ name: "large.pdf", searchablePages: 4 }]);
  });

  it.each([1, 2, 3, 5])("gives every document once in pages of %i", async (limit) => {
    const names: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await list(`?limit=${limit}${cursor === undefined ? "" : `&cursor=${cursor}`}`);
      expect(page.documents.length).toBeLessThanOrEqual(limit);
      names.push(...page.documents.map(({ name }) => name));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(names).toEqual(NAMES);
  });

  it.each([["?limit=0"], ["?limit=1001"], ["?limit=many"], ["?cursor=!!!"]])("refuses %s", async (query) => {
    const response = await app.fetch(`${PATH}${query}`);
    expect(response.status).toBe(400);
    expect((await readProblem(response)).code).toBe("invalid_request");
  });

  it("names an index that there is not", async () => {
    const response = await app.fetch("/v1/indexes/nothing-here/documents");
    expect(response.status).toBe(404);
    expect((await readProblem(response)).code).toBe("index_not_found");
  });
});

describe("GET /v1/indexes/{index}/documents/{document}", () => {
  it("gives one document", async () => {
    const id = await documentIdOf("c/d.pdf");
    const response = await app.fetch(`${PATH}/${id}`);
    expect(response.status).toBe(200);
    expect(documentSchema.parse(await response.json())).toMatchObject({
      id,
      name: "c/d.pdf",
      revision: "00000000000000aa",
    });
  });

  it("does not find what was replaced", async () => {
    const response = await app.fetch(`${PATH}/${await documentIdOf("old.pdf")}`);
    expect(response.status).toBe(404);
    expect((await readProblem(response)).code).toBe("document_not_found");
  });

  it.each([["..%2f..%2fmanifests"], ["%00"], ["a.pdf"], ["0123456789ABCDEF0123"]])("refuses id %s", async (id) => {
    const response = await app.fetch(`${PATH}/${id}`);
    expect(response.status).toBe(400);
    expect((await readProblem(response)).code).toBe("invalid_name");
  });
});

describe("GET /v1/indexes/{index}/documents/{document}/pages", () => {
  const pagesOf = async (path: string) => {
    const response = await app.fetch(path);
    expect(response.status).toBe(200);
    return documentPagesSchema.parse(await response.json());
  };

  it("says of every page whether it can be found, and where its pictures are", async () => {
    const id = await documentIdOf("c/d.pdf");
    const { document, pages, nextCursor } = await pagesOf(`${PATH}/${id}/pages`);
    expect(document).toEqual({ id, name: "c/d.pdf", revision: "00000000000000aa", pageCount: 2 });
    expect(pages).toMatchObject([
      { page: 1, status: "searchable", vectorCount: 2 },
      { page: 2, status: "no-text", vectorCount: 0 },
    ]);
    expect(nextCursor).toBeUndefined();
    for (const { imageUrl, thumbnailUrl } of pages) {
      expect((await app.fetch(imageUrl)).status).toBe(200);
      expect((await app.fetch(thumbnailUrl)).status).toBe(200);
    }
  });

  it.each([1, 2, 3, 7])(
    "gives every page once in answers of %i, of a document in several segments too",
    async (limit) => {
      const index = `pages-${limit}`;
      const random = await createRandomIndex(app.services.store, index, SHAPE, seededRandom(3));
      await addSegment(random, [
        { name: "before.pdf", pages: [4] },
        { name: "long.pdf", pages: [5, 0, 6] },
      ]);
      await addSegment(random, [
        { name: "long.pdf", firstPage: 4, pages: [7, 8] },
        { name: "after.pdf", pages: [4] },
      ]);
      const path = `/v1/indexes/${index}/documents/${await documentIdOf("long.pdf")}/pages?limit=${limit}`;
      const found: [number, number][] = [];
      let cursor: string | undefined;
      do {
        const { pages, nextCursor } = await pagesOf(cursor === undefined ? path : `${path}&cursor=${cursor}`);
        expect(pages.length).toBeLessThanOrEqual(limit);
        found.push(...pages.map(({ page, vectorCount }): [number, number] => [page, vectorCount]));
        cursor = nextCursor;
      } while (cursor !== undefined);
      expect(found).toEqual([
        [1, 5],
        [2, 0],
        [3, 6],
        [4, 7],
        [5, 8],
      ]);
    },
  );

  it.each([
    ["?limit=0", 400, "invalid_request"],
    ["?cursor=!!!", 400, "invalid_request"],
    ["?cursor=bm9uZQ", 400, "invalid_request"],
  ])("refuses %s", async (query, status, code) => {
    const response = await app.fetch(`${PATH}/${await documentIdOf("a.pdf")}/pages${query}`);
    expect(response.status).toBe(status);
    expect((await readProblem(response)).code).toBe(code);
  });

  it("does not find pages of what was replaced", async () => {
    const response = await app.fetch(`${PATH}/${await documentIdOf("old.pdf")}/pages`);
    expect(response.status).toBe(404);
    expect((await readProblem(response)).code).toBe("document_not_found");
  });
});
