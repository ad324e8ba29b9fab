import { describe, expect, it } from "vitest";
import { MAX_DIRECT_BODY_BYTES, MAX_MULTIPART_FILES, MAX_SOURCE_BYTES } from "../../shared/limits.ts";
import { layout } from "../../shared/store/layout.ts";
import { MaxleafError } from "../../shared/errors.ts";
import { problemOf, taskOf, TestService } from "./testing.ts";

const DOCUMENTS = "/v1/indexes/reports/documents";
const JSON_TYPE = { "content-type": "application/json" };

/** The inputs of a stored task: what its workers go by. */
async function inputsOf(service: TestService, id: string) {
  const object = await service.books.store.get(layout.task(id));
  return JSON.parse(new TextDecoder().decode(object?.bytes)).inputs;
}

describe("one file as the body", () => {
  it("becomes an upload and a task", async () => {
    const service = new TestService();
    const response = await service.send("POST", `${DOCUMENTS}?name=2025/q1.pdf`, "%PDF-", {
      "content-type": "application/pdf",
    });
    const location = response.headers.get("location");
    const task = await taskOf(response);
    expect(location).toBe(`/v1/tasks/${task.id}`);
    expect(task).toMatchObject({
      type: "documents.add",
      index: "reports",
      status: "enqueued",
      documents: [{ name: "2025/q1.pdf", status: "waiting" }],
    });
    expect(service.messages.bodies).toEqual([expect.stringContaining(task.id)]);
    const [[uploadId, content] = []] = await service.uploads();
    expect(content).toBe("%PDF-");
    expect(await inputsOf(service, task.id)).toEqual([{ source: { kind: "upload", uploadId } }]);
    expect((await service.books.store.get(layout.upload(uploadId ?? "")))?.contentType).toBe("application/pdf");
  });

  it("brings metadata and a webhook", async () => {
    const service = new TestService();
    const query = new URLSearchParams({
      name: "a.pdf",
      metadata: '{"year":"2025"}',
      webhook: "https://hooks.example/x",
    });
    const task = await taskOf(await service.send("POST", `${DOCUMENTS}?${query.toString()}`, "x"));
    expect(task.webhook).toMatchObject({ url: "https://hooks.example/x" });
    expect(await inputsOf(service, task.id)).toMatchObject([{ metadata: { year: "2025" } }]);
  });

  it("may come in pieces", async () => {
    const service = new TestService();
    await taskOf(await service.send("POST", `${DOCUMENTS}?name=a.pdf`, new Blob(["%P", "DF"]).stream()));
    expect([...(await service.uploads()).values()]).toEqual(["%PDF"]);
  });

  it("goes to the index that an alias leads to", async () => {
    const service = new TestService();
    await service.sendJson("POST", "/v1/indexes", { name: "reports-2" });
    await service.sendJson("PUT", "/v1/aliases/reports", { index: "reports-2" });
    expect(await taskOf(await service.send("POST", `${DOCUMENTS}?name=a.pdf`, "x"))).toMatchObject({
      index: "reports-2",
    });
  });

  it.each([
    ["no name", "", "400 invalid_request", "name"],
    ["a name that leaves its folder", "?name=../a.pdf", "400 invalid_name", "leaves its folder"],
    ["metadata that is no JSON", "?name=a.pdf&metadata=year", "400 invalid_json", "metadata"],
    [
      "metadata that is no text",
      `?name=a.pdf&metadata=${encodeURIComponent('{"year":2025}')}`,
      "400 invalid_request",
      "year",
    ],
    ["a webhook to this machine", "?name=a.pdf&webhook=https://127.0.0.1/", "403 url_not_allowed", "127.0.0.1"],
    ["a webhook that is none", "?name=a.pdf&webhook=", "400 invalid_request", "url"],
  ])("is refused with %s, and nothing is kept", async (_, query, is, detail) => {
    const service = new TestService();
    const problem = await problemOf(await service.send("POST", DOCUMENTS + query, "x"));
    expect(problem).toEqual({ is, detail: expect.stringContaining(detail) });
    expect(await service.keys()).toEqual([]);
  });

  it("is refused when it is empty, or larger than bodies may be, announced or not", async () => {
    const service = new TestService();
    const path = `${DOCUMENTS}?name=a.pdf`;
    expect(await problemOf(await service.send("POST", path))).toMatchObject({ is: "422 file_empty" });
    const announced = await service.send("POST", path, "x", { "content-length": String(MAX_DIRECT_BODY_BYTES + 1) });
    expect(await problemOf(announced)).toMatchObject({
      is: "413 body_too_large",
      detail: expect.stringContaining("uploads"),
    });
    let left = MAX_DIRECT_BODY_BYTES / 65_536 + 100;
    const chunk = new Uint8Array(65_536);
    const endless = new ReadableStream<Uint8Array>({
      pull: (stream) => (left-- > 0 ? stream.enqueue(chunk) : stream.close()),
    });
    expect(await problemOf(await service.send("POST", path, endless))).toMatchObject({ is: "413 body_too_large" });
    expect(left).toBeGreaterThan(50);
    expect(await service.keys()).toEqual([]);
  });

  it("is not kept when it breaks off, or when the queue is not there", async () => {
    const service = new TestService();
    const broken = new ReadableStream<Uint8Array>({
      start: (stream) => stream.enqueue(new Uint8Array(10)),
      pull: (stream) => stream.error(new Error("gone")),
    });
    const path = `${DOCUMENTS}?name=a.pdf`;
    expect(await problemOf(await service.send("POST", path, broken))).toMatchObject({ is: "400 invalid_request" });
    service.messages.failure = new MaxleafError("queue_unavailable", "away");
    expect(await problemOf(await service.send("POST", path, "x"))).toMatchObject({ is: "503 queue_unavailable" });
    expect(await service.uploads()).toEqual(new Map());
  });
});

describe("a form with files", () => {
  function formOf(names: readonly string[], fields: Record<string, string> = {}): FormData {
    const form = new FormData();
    for (const name of names) form.append("file", new File([`content of ${name}`], name, { type: "application/pdf" }));
    for (const [field, text] of Object.entries(fields)) form.append(field, text);
    return form;
  }

  it("becomes one task with a document each", async () => {
    const service = new TestService();
    const form = formOf(["a.pdf", "2025/größe.pdf"], {
      metadata: '{"kind":"report"}',
      webhook: "https://hooks.example/",
    });
    const task = await taskOf(await service.send("POST", DOCUMENTS, form));
    expect(task.documents?.map(({ name }) => name)).toEqual(["a.pdf", "2025/größe.pdf"]);
    expect(task.webhook?.url).toBe("https://hooks.example/");
    const inputs = await inputsOf(service, task.id);
    const uploads = await service.uploads();
    const contents = inputs.map((input: { source: { uploadId: string } }) => uploads.get(input.source.uploadId));
    expect(contents).toEqual(["content of a.pdf", "content of 2025/größe.pdf"]);
    expect(inputs).toMatchObject([{ metadata: { kind: "report" } }, { metadata: { kind: "report" } }]);
  });

  it.each([
    ["without a file", formOf([], { metadata: "{}" }), "has no file"],
    ["with a field that is not known", formOf(["a.pdf"], { year: "2025" }), "year"],
    ["with a name twice", formOf(["a.pdf", "a.pdf"]), "twice"],
    ["with too many files", formOf(Array.from({ length: MAX_MULTIPART_FILES + 1 }, (_, i) => `${i}.pdf`)), "100 files"],
  ])("is refused %s, and nothing is kept", async (_, form, detail) => {
    const service = new TestService();
    const problem = await problemOf(await service.send("POST", DOCUMENTS, form));
    expect(problem).toEqual({ is: "400 invalid_request", detail: expect.stringContaining(detail) });
    expect(await service.keys()).toEqual([]);
  });

  it.each([
    ["names no boundary", "multipart/form-data", "--x\r\n"],
    [
      "is cut off",
      "multipart/form-data; boundary=x",
      '--x\r\ncontent-disposition: form-data; name="f"; filename="a"\r\n\r\nabc',
    ],
    ["is no form", "multipart/form-data; boundary=x", "%PDF-1.7"],
  ])("is refused when it %s", async (_, type, body) => {
    const service = new TestService();
    const response = await service.send("POST", DOCUMENTS, body, { "content-type": type });
    expect(await problemOf(response)).toMatchObject({ is: "400 invalid_request" });
    expect(await service.keys()).toEqual([]);
  });
});

describe("a list", () => {
  const UPLOAD = "5b0a6a52-5a0e-4b56-9f0a-0c7a8b6f6a11";

  it("of uploads and addresses becomes one task", async () => {
    const service = new TestService();
    await service.books.store.put(layout.upload(UPLOAD), new Uint8Array(3));
    const task = await taskOf(
      await service.sendJson("POST", DOCUMENTS, {
        documents: [
          { name: "a.pdf", uploadId: UPLOAD, metadata: { year: "2025" } },
          { name: "b.pdf", url: "https://files.example.com/b.pdf" },
        ],
        webhook: { url: "https://hooks.example/" },
      }),
    );
    expect(task.documents).toHaveLength(2);
    expect(await inputsOf(service, task.id)).toEqual([
      { source: { kind: "upload", uploadId: UPLOAD }, metadata: { year: "2025" } },
      { source: { kind: "url", url: "https://files.example.com/b.pdf" } },
    ]);
  });

  it.each([
    ["an upload that is not there", [{ name: "a", uploadId: UPLOAD }], "404 upload_not_found"],
    ["an upload that no upload is called like", [{ name: "a", uploadId: "../a" }], "400 invalid_request"],
    [
      "both ways to get one",
      [{ name: "a", uploadId: UPLOAD, url: "https://files.example.com/" }],
      "400 invalid_request",
    ],
    ["no way to get one", [{ name: "a" }], "400 invalid_request"],
    ["a host that is not listed", [{ name: "a", url: "https://elsewhere.example/" }], "403 url_not_allowed"],
    ["metadata", [{ name: "a", url: "http://169.254.169.254/latest/" }], "403 url_not_allowed"],
    ["no name", [{ url: "https://files.example.com/" }], "400 invalid_request"],
    ["a name that cannot be", [{ name: "/a", url: "https://files.example.com/" }], "400 invalid_name"],
    ["nothing", [], "400 invalid_request"],
  ])("is refused with %s", async (_, documents, is) => {
    const service = new TestService();
    expect(await problemOf(await service.sendJson("POST", DOCUMENTS, { documents }))).toMatchObject({ is });
    expect(service.messages.bodies).toEqual([]);
  });

  it("is refused with an upload that is too large", async () => {
    const { store } = new TestService().books;
    const get = store.get.bind(store);
    Object.assign(store, {
      get: async (...args: Parameters<typeof get>) => {
        if (args[0] !== layout.upload(UPLOAD)) return await get(...args);
        return { bytes: new Uint8Array(1), size: MAX_SOURCE_BYTES + 1, etag: '"x"', contentType: undefined };
      },
    });
    const service = new TestService({ store });
    const response = await service.sendJson("POST", DOCUMENTS, { documents: [{ name: "a", uploadId: UPLOAD }] });
    expect(await problemOf(response)).toMatchObject({ is: "413 file_too_large" });
  });

  it("is refused as text, and as what is no JSON", async () => {
    const service = new TestService();
    expect(await problemOf(await service.send("POST", DOCUMENTS, "{", JSON_TYPE))).toMatchObject({
      is: "400 invalid_json",
    });
    expect(await problemOf(await service.send("POST", DOCUMENTS, "[]", JSON_TYPE))).toMatchObject({
      is: "400 invalid_request",
    });
  });
});
