import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { uploadSchema } from "../../shared/api/admin.ts";
import { ADMIN_ROUTES } from "../../shared/api/testing.ts";
import { taskListSchema } from "../../shared/api/tasks.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
import { MAX_DIRECT_BODY_BYTES, MAX_SOURCE_BYTES } from "../../shared/limits.ts";
import { documentIdOf } from "../../shared/names.ts";
import { add, pagesOf } from "../indexing/testing-index.ts";
import { problemOf, taskOf, TestService } from "./testing.ts";

let service: TestService;
beforeEach(() => {
  service = new TestService();
});
afterEach(async () => await service.books.close());

/** Puts documents into the index `books`. */
async function addBooks(...names: string[]): Promise<void> {
  const writer = await service.books.openWriter();
  for (const [seed, name] of names.entries()) await add(writer, name, pagesOf(seed, 20));
  await writer.commit();
}

describe("every route", () => {
  it.each(ADMIN_ROUTES)("%s %s needs the secret", async (method, path) => {
    for (const authorization of ["", "Bearer guess", "Basic YTpi"]) {
      const response = await service.send(method, path, undefined, { authorization });
      expect(await problemOf(response)).toMatchObject({ is: "401 unauthorized" });
    }
  });

  it.each(ADMIN_ROUTES)("%s %s says when the service has nothing to write with", async (method, path) => {
    const response = await new TestService({}, { withAdmin: false }).send(method, path);
    expect(await problemOf(response)).toEqual({
      is: "503 queue_unavailable",
      detail: expect.stringContaining("--queue"),
    });
  });
});

describe("uploads", () => {
  const request = { name: "2025/q1.pdf", bytes: 5, contentType: "application/pdf" };

  it("are sent to the bucket where it presigns", async () => {
    const asked: unknown[] = [];
    const presigning = new TestService({
      presignPut: async (...args) => {
        asked.push(args);
        return { url: "https://bucket.example/x?signature", headers: { "content-type": "application/pdf" } };
      },
    });
    const response = await presigning.sendJson("POST", "/v1/indexes/reports/uploads", request);
    expect(response.status).toBe(201);
    const upload = uploadSchema.parse(await response.json());
    expect(upload).toMatchObject({ method: "PUT", url: "https://bucket.example/x?signature" });
    expect(Date.parse(upload.expiresAt)).toBeGreaterThan(Date.now());
    const file = { bytes: 5, contentType: "application/pdf", expiresInSeconds: 3_600 };
    expect(asked).toEqual([[`uploads/${upload.uploadId}`, file]]);
  });

  it("pass the service where it does not, and then can be asked for", async () => {
    const created = uploadSchema.parse(
      await (await service.sendJson("POST", "/v1/indexes/reports/uploads", request)).json(),
    );
    expect(created).toMatchObject({
      url: `/v1/uploads/${created.uploadId}`,
      headers: { "content-type": "application/pdf" },
    });
    expect((await service.send("PUT", created.url, "%PDF-", created.headers)).status).toBe(204);
    expect(await service.uploads()).toEqual(new Map([[created.uploadId, "%PDF-"]]));
    const documents = [{ name: "2025/q1.pdf", uploadId: created.uploadId }];
    await taskOf(await service.sendJson("POST", "/v1/indexes/reports/documents", { documents }));
  });

  it.each([
    ["a file larger than any", { ...request, bytes: MAX_SOURCE_BYTES + 1 }, "400 invalid_request"],
    ["a file larger than bodies", { ...request, bytes: MAX_DIRECT_BODY_BYTES + 1 }, "413 file_too_large"],
    ["no bytes", { ...request, bytes: 0 }, "400 invalid_request"],
    ["no media type", { ...request, contentType: "pdf\r\nx: y" }, "400 invalid_request"],
    ["a name that cannot be", { ...request, name: "../a" }, "400 invalid_name"],
  ])("are refused for %s", async (_, body, is) => {
    expect(await problemOf(await service.sendJson("POST", "/v1/indexes/reports/uploads", body))).toMatchObject({ is });
  });

  it("have ids that are nothing but that", async () => {
    const response = await service.send("PUT", "/v1/uploads/..%2Findexes%2Fa", "x");
    expect(await problemOf(response)).toMatchObject({ is: "404 upload_not_found" });
    expect(await service.keys()).toEqual([]);
  });
});

describe("documents", () => {
  it("are deleted before the answer", async () => {
    await addBooks("a.pdf", "b.pdf");
    const id = await documentIdOf("a.pdf");
    const response = await service.send("DELETE", `/v1/indexes/books/documents/${id}`);
    const { version: manifestVersion } = await service.books.manifest();
    expect(await response.json()).toEqual({
      index: "books",
      deleted: [{ id, name: "a.pdf", pageCount: 1 }],
      absent: [],
      manifestVersion,
    });
    expect(await service.books.liveNames()).toEqual(["b.pdf@0123456789abcdef"]);
    const again = await service.send("DELETE", `/v1/indexes/books/documents/${id}`);
    expect(await problemOf(again)).toMatchObject({ is: "404 document_not_found" });
    const wrong = await service.send("DELETE", "/v1/indexes/books/documents/a.pdf");
    expect(await problemOf(wrong)).toMatchObject({ is: "400 invalid_name" });
  });

  it("are deleted together, by id and by name, in one commit", async () => {
    await addBooks("a.pdf", "b.pdf", "c.pdf");
    const { version } = await service.books.manifest();
    const documents = [await documentIdOf("a.pdf"), "b.pdf", "none.pdf"];
    const response = await service.sendJson("POST", "/v1/indexes/books/documents/delete", { documents });
    expect(await response.json()).toMatchObject({
      deleted: [{ name: "a.pdf" }, { name: "b.pdf" }],
      absent: ["none.pdf"],
      manifestVersion: version + 1,
    });
    const again = await service.sendJson("POST", "/v1/indexes/books/documents/delete", { documents });
    expect(await again.json()).toMatchObject({ deleted: [], absent: documents, manifestVersion: version + 1 });
    const nowhere = await service.sendJson("POST", "/v1/indexes/none/documents/delete", { documents });
    expect(await problemOf(nowhere)).toMatchObject({ is: "404 index_not_found" });
  });

  it("get other metadata by a merge patch", async () => {
    await addBooks("a.pdf");
    const path = `/v1/indexes/books/documents/${await documentIdOf("a.pdf")}`;
    const first = await service.sendJson("PATCH", path, { metadata: { year: "2025", kind: "report" } });
    expect(await first.json()).toMatchObject({
      changed: true,
      document: { name: "a.pdf", metadata: { year: "2025" } },
    });
    const second = await service.sendJson("PATCH", path, { metadata: { kind: null } });
    const { version } = await service.books.manifest();
    expect(await second.json()).toMatchObject({ changed: true, manifestVersion: version });
    const third = await service.sendJson("PATCH", path, { metadata: { year: "2025" } });
    expect(await third.json()).toMatchObject({ changed: false, manifestVersion: version });
    for (const metadata of [{ year: 2025 }, "x", undefined]) {
      expect(await problemOf(await service.sendJson("PATCH", path, { metadata }))).toMatchObject({
        is: "400 invalid_request",
      });
    }
    const absent = await service.sendJson("PATCH", "/v1/indexes/books/documents/0123456789abcdef0123", {
      metadata: {},
    });
    expect(await problemOf(absent)).toMatchObject({ is: "404 document_not_found" });
  });
});

describe("indexes", () => {
  it("are created once, with what they were asked for", async () => {
    const request = { name: "reports", settings: { subspaces: 16, filterableFields: ["year"] } };
    const created = await service.sendJson("POST", "/v1/indexes", request);
    expect(created.status).toBe(201);
    expect(created.headers.get("location")).toBe("/v1/indexes/reports");
    expect(await created.json()).toEqual({
      index: "reports",
      recipe: "minilm-words",
      settings: request.settings,
      manifestVersion: 1,
    });
    expect((await readManifest(service.books.store, "reports"))?.settings).toEqual(request.settings);
    expect((await service.sendJson("POST", "/v1/indexes", request)).status).toBe(200);
    const other = await service.sendJson("POST", "/v1/indexes", { name: "reports", recipe: "minilm-dense" });
    expect(await problemOf(other)).toMatchObject({ is: "409 name_taken" });
  });

  it.each([
    ["a name that cannot be", { name: "Reports" }, "400 invalid_name"],
    ["a recipe that is not there", { name: "a", recipe: "none" }, "404 recipe_not_found"],
    ["a field that is none", { name: "a", codec: "pq" }, "400 invalid_request"],
    ["settings that cannot be", { name: "a", settings: { subspaces: 7 } }, "400 invalid_request"],
  ])("are not created with %s", async (_, body, is) => {
    expect(await problemOf(await service.sendJson("POST", "/v1/indexes", body))).toMatchObject({ is });
  });

  it("are dropped and restored", async () => {
    await addBooks("a.pdf");
    const dropped = await service.send("DELETE", "/v1/indexes/books");
    expect(await dropped.json()).toMatchObject({ index: "books", droppedAt: expect.any(String), manifestVersion: 2 });
    expect(await problemOf(await service.send("DELETE", "/v1/indexes/books"))).toMatchObject({
      is: "404 index_not_found",
    });
    const restored = await service.send("POST", "/v1/indexes/books/restore");
    expect(await restored.json()).toMatchObject({ index: "books", manifestVersion: 3 });
    expect(await service.books.liveNames()).toEqual(["a.pdf@0123456789abcdef"]);
    expect(await problemOf(await service.send("POST", "/v1/indexes/books/restore"))).toMatchObject({
      is: "409 name_taken",
    });
  });

  it.each(["compact", "retrain"])("are %sed by a task", async (verb) => {
    await addBooks("a.pdf");
    const webhook = { url: "https://hooks.example/" };
    const task = await taskOf(await service.sendJson("POST", `/v1/indexes/books/${verb}`, { webhook }));
    expect(task).toMatchObject({ type: `index.${verb}`, index: "books", webhook });
    await taskOf(await service.send("POST", `/v1/indexes/books/${verb}`));
    expect(await problemOf(await service.send("POST", `/v1/indexes/none/${verb}`))).toMatchObject({
      is: "404 index_not_found",
    });
  });
});

describe("aliases", () => {
  it("are led to an index, listed and removed", async () => {
    await addBooks("a.pdf");
    const put = async () => await service.sendJson("PUT", "/v1/aliases/library", { index: "books" });
    expect((await put()).status).toBe(201);
    expect((await put()).status).toBe(200);
    const list = await (await service.send("GET", "/v1/aliases")).json();
    expect(list).toEqual({ aliases: [{ name: "library", index: "books", changedAt: expect.any(String) }] });
    const id = await documentIdOf("a.pdf");
    const deleted = await service.send("DELETE", `/v1/indexes/library/documents/${id}`);
    expect(await deleted.json()).toMatchObject({ index: "books", deleted: [{ id }] });
    const elsewhere = { index: "books", expected: "magazines" };
    expect(await problemOf(await service.sendJson("PUT", "/v1/aliases/shelf", elsewhere))).toMatchObject({
      is: "412 precondition_failed",
    });
    const removal = async (expected: string) =>
      await service.send("DELETE", `/v1/aliases/library?expected=${expected}`);
    expect(await problemOf(await removal("magazines"))).toMatchObject({ is: "412 precondition_failed" });
    expect((await removal("books")).status).toBe(200);
    expect((await service.sendJson("PUT", "/v1/aliases/library", { index: "books", expected: null })).status).toBe(201);
    expect((await service.send("DELETE", "/v1/aliases/library")).status).toBe(200);
    expect(await problemOf(await service.send("DELETE", "/v1/aliases/library"))).toMatchObject({ is: "404 not_found" });
    const taken = await service.sendJson("PUT", "/v1/aliases/books", { index: "books" });
    expect(await problemOf(taken)).toMatchObject({ is: "409 name_taken" });
  });
});

describe("tasks", () => {
  it("are listed, read and canceled", async () => {
    const post = async (name: string) =>
      await taskOf(await service.send("POST", `/v1/indexes/${name}/documents?name=a.pdf`, "x"));
    const tasks = [await post("a"), await post("b"), await post("a")];
    const list = async (query: string) =>
      taskListSchema.parse(await (await service.send("GET", `/v1/tasks${query}`)).json());
    expect((await list("")).tasks).toHaveLength(3);
    expect((await list("?index=b")).tasks.map(({ id }) => id)).toEqual([tasks[1]?.id]);
    const first = await list("?limit=2");
    const second = await list(`?limit=2&cursor=${first.nextCursor}`);
    expect(new Set([...first.tasks, ...second.tasks].map(({ id }) => id))).toEqual(new Set(tasks.map(({ id }) => id)));

    const path = `/v1/tasks/${tasks[0]?.id}`;
    expect(await (await service.send("GET", path)).json()).toEqual(tasks[0]);
    expect(await (await service.send("POST", `${path}/cancel`)).json()).toMatchObject({ status: "canceled" });
    expect(await problemOf(await service.send("POST", `${path}/cancel`))).toMatchObject({
      is: "409 task_not_cancelable",
    });
    expect((await list("?status=canceled")).tasks).toHaveLength(1);
  });

  it.each([
    ["/v1/tasks/none", "404 task_not_found"],
    ["/v1/tasks/..%2Findexes", "404 task_not_found"],
    ["/v1/tasks?limit=0", "400 invalid_request"],
    ["/v1/tasks?limit=many", "400 invalid_request"],
    ["/v1/tasks?status=over", "400 invalid_request"],
    ["/v1/tasks?index=A", "400 invalid_name"],
  ])("are not there at %s", async (path, is) => {
    expect(await problemOf(await service.send("GET", path))).toMatchObject({ is });
  });
});
