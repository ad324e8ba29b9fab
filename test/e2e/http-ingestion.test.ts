/**
 * Documents over HTTP on the real stack: worker, encoder service, bucket, tasks.
 */
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { request } from "node:http";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import {
  aliasListSchema,
  changedIndexSchema,
  deletedDocumentsSchema,
  updatedDocumentSchema,
  uploadSchema,
} from "../../shared/api/admin.ts";
import { documentListSchema, problemSchema, searchResponseSchema } from "../../shared/api/search.ts";
import { type Task, taskListSchema, taskSchema } from "../../shared/api/tasks.ts";
import { type Running, start, until } from "./support/command-line.ts";
import { writePdf } from "./support/documents.ts";

const TIMEOUT_MS = 180_000;
/** The worker looks at a manifest again that is older. */
const FRESH_WITHIN_MS = 30_000;

const serverSchema = z.object({ pid: z.number(), edgeUrl: z.url() });

let folder: string;
let dataDir: string;
let stack: Running;
let url: string;
let key: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-http-"));
  dataDir = join(folder, "data");
  await writePdf(join(folder, "fox.pdf"), ["The quick brown fox jumps.", "The lazy dog sleeps in the sun."]);
  await writePdf(join(folder, "sea.pdf"), ["Herring swim in the cold North Sea."]);
  await writePdf(join(folder, "tree.pdf"), ["Oak and beech stand in the forest."]);
  stack = start(["serve", "--data-dir", dataDir, "--port", "0", "--encoder-port", "0"]);
  url = await until(stack, async () => {
    const { pid, edgeUrl } = serverSchema.parse(JSON.parse(await readFile(join(dataDir, "server.json"), "utf8")));
    return pid === stack.pid ? edgeUrl : undefined;
  });
  key = (await readFile(join(dataDir, "admin-key"), "utf8")).trim();
}, TIMEOUT_MS);

afterAll(async () => {
  stack.child.kill("SIGINT");
  await stack.finished;
  await rm(folder, { recursive: true, force: true });
});

async function ask(method: string, path: string, body?: unknown): Promise<Response> {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  return await fetch(url + path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
}

async function readAs<Schema extends z.ZodType>(schema: Schema, response: Response): Promise<z.infer<Schema>> {
  const text = await response.text();
  if (!response.ok) throw new Error(`status ${response.status}: ${text}`);
  return schema.parse(JSON.parse(text));
}

/** The task when it is over. */
async function overOf(task: Task): Promise<Task> {
  return await until(stack, async () => {
    const now = await readAs(taskSchema, await ask("GET", `/v1/tasks/${task.id}`));
    return ["succeeded", "failed", "canceled"].includes(now.status) ? now : undefined;
  });
}

async function search(index: string, query: string, more: Record<string, unknown> = {}) {
  const body = JSON.stringify({ query, k: 3, mode: "late", ...more });
  const headers = { "content-type": "application/json" };
  return await fetch(`${url}/v1/indexes/${index}/search`, { method: "POST", headers, body });
}

/** Names of the documents that a search finds, once they are `expected`. */
async function finds(index: string, query: string, expected: (names: string[]) => boolean, filter?: unknown) {
  return await until(
    stack,
    async () => {
      const { hits } = await readAs(searchResponseSchema, await search(index, query, { filter }));
      const names = hits.map(({ document }) => document.name);
      return expected(names) ? names : undefined;
    },
    FRESH_WITHIN_MS,
  );
}

async function idOf(index: string, name: string): Promise<string> {
  const { documents } = await readAs(documentListSchema, await fetch(`${url}/v1/indexes/${index}/documents`));
  return documents.find((document) => document.name === name)?.id ?? "";
}

describe("documents over HTTP", { timeout: TIMEOUT_MS }, () => {
  it("are searchable after one curl with the key in the data folder", async () => {
    expect((await stat(join(dataDir, "admin-key"))).mode & 0o777).toBe(0o600);
    await until(stack, async () => (stack.output().includes("admin-key") ? true : undefined));
    const command = `curl -sS -H "Authorization: Bearer $(cat data/admin-key)" --data-binary @fox.pdf '${url}/v1/indexes/docs/documents?name=fox.pdf'`;
    const { stdout } = await promisify(execFile)("sh", ["-c", command], { cwd: folder });
    const task = taskSchema.parse(JSON.parse(stdout));
    expect(task).toMatchObject({ type: "documents.add", index: "docs", documents: [{ name: "fox.pdf" }] });
    expect(await overOf(task)).toMatchObject({
      status: "succeeded",
      progress: 1,
      documents: [{ name: "fox.pdf", status: "added", pageCount: 2, pagesDone: 2 }],
    });
    const { hits } = await readAs(searchResponseSchema, await search("docs", "a dog that sleeps"));
    expect(hits[0]).toMatchObject({ page: 2, document: { name: "fox.pdf" } });
    expect((await fetch(new URL(hits[0]?.imageUrl ?? "", url))).status).toBe(200);
  });

  it("are unchanged the second time", async () => {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/pdf" };
    const body = await readFile(join(folder, "fox.pdf"));
    const response = await fetch(`${url}/v1/indexes/docs/documents?name=fox.pdf`, { method: "POST", headers, body });
    expect(response.status).toBe(202);
    const task = taskSchema.parse(await response.json());
    expect(response.headers.get("location")).toBe(`/v1/tasks/${task.id}`);
    expect(await overOf(task)).toMatchObject({ status: "succeeded", documents: [{ status: "unchanged" }] });
  });

  it("come several in a form, with metadata", async () => {
    const form = new FormData();
    for (const name of ["sea.pdf", "tree.pdf"])
      form.append("file", new File([await readFile(join(folder, name))], name));
    form.append("file", new File(["no document"], "notes.pdf"));
    form.append("metadata", '{"kind":"nature"}');
    const headers = { authorization: `Bearer ${key}` };
    const response = await fetch(`${url}/v1/indexes/docs/documents`, { method: "POST", headers, body: form });
    const task = await overOf(await readAs(taskSchema, response));
    expect(task).toMatchObject({
      status: "failed",
      documents: [{ status: "added" }, { status: "added" }, { status: "failed", error: { code: "file_unsupported" } }],
    });
    await finds("docs", "fish", (names) => names[0] === "sea.pdf", { metadata: { kind: "nature" } });
  });

  it("go through an upload that needs no key", async () => {
    const bytes = await readFile(join(folder, "sea.pdf"));
    const announced = { name: "copy.pdf", bytes: bytes.byteLength, contentType: "application/pdf" };
    const upload = await readAs(uploadSchema, await ask("POST", "/v1/indexes/copies/uploads", announced));
    const { method, headers } = upload;
    expect((await fetch(new URL(upload.url, url), { method, headers, body: bytes })).status).toBe(200);
    const documents = [{ name: "copy.pdf", uploadId: upload.uploadId, metadata: { of: "sea.pdf" } }];
    const task = await readAs(taskSchema, await ask("POST", "/v1/indexes/copies/documents", { documents }));
    expect(await overOf(task)).toMatchObject({ status: "succeeded" });
    await finds("copies", "herring", (names) => names[0] === "copy.pdf");
    const again = await ask("POST", "/v1/indexes/copies/documents", { documents });
    expect(problemSchema.parse(await again.json())).toMatchObject({ status: 404, code: "upload_not_found" });
  });

  it("are fetched from no address that is not allowed", async () => {
    for (const address of ["https://example.com/a.pdf", "http://169.254.169.254/latest/meta-data/", url]) {
      const response = await ask("POST", "/v1/indexes/docs/documents", {
        documents: [{ name: "a.pdf", url: address }],
      });
      expect(problemSchema.parse(await response.json())).toMatchObject({ status: 403, code: "url_not_allowed" });
    }
  });

  it("are not kept by half, and a large one is told why it is refused", async () => {
    const uploadId = randomUUID();
    const headers = { authorization: `Bearer ${key}`, "content-length": "2000000" };
    const cut = request(new URL(`/v1/uploads/${uploadId}`, url), { method: "PUT", headers });
    cut.on("error", () => undefined);
    await new Promise((written) => cut.write(Buffer.alloc(1_000_000), written));
    cut.destroy();
    const refused = await fetch(`${url}/v1/indexes/docs/documents?name=../a.pdf`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}` },
      body: Buffer.alloc(20_000_000),
    });
    expect(problemSchema.parse(await refused.json())).toMatchObject({ status: 400, code: "invalid_name" });
    const documents = [{ name: "a.pdf", uploadId }];
    const absent = await ask("POST", "/v1/indexes/docs/documents", { documents });
    expect(problemSchema.parse(await absent.json())).toMatchObject({ status: 404, code: "upload_not_found" });
  });

  it("get other metadata at once", async () => {
    const id = await idOf("docs", "tree.pdf");
    const response = await ask("PATCH", `/v1/indexes/docs/documents/${id}`, {
      metadata: { kind: null, place: "wood" },
    });
    expect(await readAs(updatedDocumentSchema, response)).toMatchObject({
      changed: true,
      document: { name: "tree.pdf", metadata: { place: "wood" } },
    });
    await finds("docs", "oak", (names) => names.join() === "tree.pdf", { metadata: { place: "wood" } });
  });

  it("are deleted before the answer", async () => {
    const id = await idOf("docs", "sea.pdf");
    const deleted = await readAs(deletedDocumentsSchema, await ask("DELETE", `/v1/indexes/docs/documents/${id}`));
    expect(deleted).toMatchObject({ index: "docs", deleted: [{ name: "sea.pdf", pageCount: 1 }] });
    const after = await search("docs", "herring in the sea", { consistency: "strong" });
    const { hits, manifestVersion } = await readAs(searchResponseSchema, after);
    expect(manifestVersion).toBe(deleted.manifestVersion);
    expect(hits.map(({ document }) => document.name)).not.toContain("sea.pdf");
  });

  it("are not added by a task that was canceled", async () => {
    // The first keeps the worker busy, so that the second still waits.
    const files = ["fox.pdf", "sea.pdf", "tree.pdf"];
    const form = new FormData();
    for (const [copy, name] of Array.from({ length: 12 }, (_, copy) => [copy, files[copy % 3] ?? ""] as const)) {
      form.append("file", new File([await readFile(join(folder, name))], `${copy}/${name}`));
    }
    const headers = { authorization: `Bearer ${key}` };
    const post = { method: "POST", headers };
    const first = await readAs(taskSchema, await fetch(`${url}/v1/indexes/many/documents`, { ...post, body: form }));
    const body = await readFile(join(folder, "tree.pdf"));
    const path = "/v1/indexes/canceled/documents?name=tree.pdf";
    const second = await readAs(taskSchema, await fetch(url + path, { ...post, body }));
    const canceled = await readAs(taskSchema, await ask("POST", `/v1/tasks/${second.id}/cancel`));
    expect(canceled.cancelRequestedAt).toBeDefined();
    expect(await overOf(second)).toMatchObject({ status: "canceled", documents: [{ status: "canceled" }] });
    expect(await overOf(first)).toMatchObject({ status: "succeeded" });
    expect((await fetch(`${url}/v1/indexes/canceled`)).status).toBe(404);
    const again = await ask("POST", `/v1/tasks/${second.id}/cancel`);
    expect(problemSchema.parse(await again.json())).toMatchObject({ status: 409, code: "task_not_cancelable" });
    const { tasks } = await readAs(taskListSchema, await ask("GET", "/v1/tasks?status=canceled&limit=10"));
    expect(tasks.map(({ id }) => id)).toEqual([second.id]);
  });
});

describe("indexes over HTTP", { timeout: TIMEOUT_MS }, () => {
  it("are created, aliased, compacted, dropped and restored", async () => {
    const settings = { filterableFields: ["kind"] };
    const created = await ask("POST", "/v1/indexes", { name: "life", settings });
    expect(created.status).toBe(201);
    expect(await readAs(changedIndexSchema, created)).toMatchObject({ index: "life", settings });
    expect((await ask("PUT", "/v1/aliases/lives", { index: "life" })).status).toBe(201);
    expect(await readAs(aliasListSchema, await ask("GET", "/v1/aliases"))).toMatchObject({
      aliases: [{ name: "lives" }],
    });

    const headers = { authorization: `Bearer ${key}` };
    for (const name of ["fox.pdf", "tree.pdf"]) {
      const body = await readFile(join(folder, name));
      const added = await fetch(`${url}/v1/indexes/lives/documents?name=${name}`, { method: "POST", headers, body });
      expect(await overOf(await readAs(taskSchema, added))).toMatchObject({ status: "succeeded", index: "life" });
    }
    const compaction = await ask("POST", "/v1/indexes/lives/compact");
    expect(await overOf(await readAs(taskSchema, compaction))).toMatchObject({ status: "succeeded", index: "life" });
    await finds("lives", "oak", (names) => names[0] === "tree.pdf");

    expect(await readAs(changedIndexSchema, await ask("DELETE", "/v1/indexes/life"))).toHaveProperty("droppedAt");
    await until(stack, async () => ((await search("life", "oak")).status === 404 ? true : undefined), FRESH_WITHIN_MS);
    expect((await ask("POST", "/v1/indexes/life/restore")).status).toBe(200);
    await finds("life", "oak", (names) => names[0] === "tree.pdf");
    expect((await ask("DELETE", "/v1/aliases/lives")).status).toBe(200);
  });

  it("are changed by nobody without the key", async () => {
    for (const [authorization, status] of [
      ["", 401],
      ["Bearer guess", 403],
    ] as const) {
      const response = await fetch(`${url}/v1/indexes/docs`, { method: "DELETE", headers: { authorization } });
      expect(response.status).toBe(status);
    }
    expect((await fetch(`${url}/v1/indexes/docs`)).status).toBe(200);
  });
});
