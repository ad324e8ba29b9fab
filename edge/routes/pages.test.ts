import { beforeAll, describe, expect, it } from "vitest";
import { documentIdOf } from "../../shared/names.ts";
import { readProblem, startApp, type TestApp } from "../testing/harness.ts";
import { pictureBytes, writeWordIndex } from "../testing/word-index.ts";

const REVISION = "00000000000000aa01234567";
/** As older indexes have them. */
const OLD_REVISION = "00000000000000bb";

let app: TestApp;
let pages = "";

beforeAll(async () => {
  app = startApp();
  const document = { name: "a.pdf", pages: ["paper leaf", "tree"] };
  await writeWordIndex(app.services.store, "pictures", [{ ...document, revision: OLD_REVISION }]);
  await writeWordIndex(app.services.store, "pictures", [{ ...document, revision: REVISION }], { replacing: true });
  pages = `/v1/indexes/pictures/documents/${await documentIdOf("a.pdf")}/pages`;
});

describe("a page's pictures", () => {
  it.each(["image", "thumbnail"] as const)("serve the %s of a revision, cacheable for ever", async (kind) => {
    const response = await app.fetch(`${pages}/2/${kind}?v=${REVISION}`);
    expect(response.status).toBe(200);
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(pictureBytes("a.pdf", 2, kind));
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "image/webp",
      "cache-control": "public, max-age=31536000, immutable",
      "x-content-type-options": "nosniff",
      "cross-origin-resource-policy": "cross-origin",
    });
  });

  it("serve the present revision when none is named, to be asked for again", async () => {
    const response = await app.fetch(`${pages}/1/image`);
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("public, no-cache");
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(pictureBytes("a.pdf", 1, "image"));
  });

  it("answer 304 to who has the picture", async () => {
    const first = await app.fetch(`${pages}/1/image?v=${REVISION}`);
    const etag = first.headers.get("etag") ?? "";
    expect(etag).toMatch(/^"[^"]+"$/);
    const again = await app.fetch(`${pages}/1/image?v=${REVISION}`, { headers: { "if-none-match": etag } });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe("");
    const other = await app.fetch(`${pages}/1/image?v=${REVISION}`, { headers: { "if-none-match": '"other"' } });
    expect(other.status).toBe(200);
  });

  it("answer HEAD without a body", async () => {
    const response = await app.fetch(`${pages}/1/image?v=${REVISION}`, { method: "HEAD" });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("");
  });

  it.each([
    ["/3/image", 404, "page_not_found"],
    [`/3/image?v=${REVISION}`, 404, "page_not_found"],
    ["/1/image?v=ffffffffffffffff", 404, "page_not_found"],
    ["/0/image", 400, "invalid_request"],
    ["/-1/image", 400, "invalid_request"],
    ["/1.5/image", 400, "invalid_request"],
    ["/1e3/image", 400, "invalid_request"],
    ["/99999999999999999999/image", 400, "invalid_request"],
    ["/1/image?v=00000000000000aa0", 400, "invalid_request"],
    ["/1/image?v=..%2f", 400, "invalid_request"],
    ["/1/source", 404, "not_found"],
  ])("refuse %s with %i %s", async (path, status, code) => {
    const response = await app.fetch(`${pages}${path}`);
    expect(response.status).toBe(status);
    expect((await readProblem(response)).code).toBe(code);
  });

  it.each([
    ["pictures", "ffffffffffffffffffff", 404, "document_not_found"],
    ["nothing-here", "ffffffffffffffffffff", 404, "index_not_found"],
    ["pictures", "..%2f", 400, "invalid_name"],
    ["..%2fpictures", "ffffffffffffffffffff", 400, "invalid_name"],
  ])("refuse index %s, document %s with %i %s", async (index, document, status, code) => {
    for (const query of ["", `?v=${REVISION}`]) {
      const response = await app.fetch(`/v1/indexes/${index}/documents/${document}/pages/1/image${query}`);
      expect(response.status).toBe(status);
      expect((await readProblem(response)).code).toBe(code);
    }
  });
});
