/**
 * A hub for tests, over real HTTP: the three addresses that pulling a model needs, as huggingface.co answers them
 * (huggingface.co/docs/hub/api; @huggingface/hub 2.17.5 reads them). Small files are redirected to `/api/resolve-cache/`, large
 * ones to a second origin, as the hub's are to its CDN. Connections can be made to fail in the ways that they do.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

export interface FakeFile {
  path: string;
  content: Buffer;
  /** Kept as a large file: listed with its SHA-256 and served by the second origin. */
  lfs?: boolean;
  /** Large files of today: who says that he takes it gets a description for the Xet protocol when he asks for the size. */
  xet?: boolean;
}

export interface FakeCommit {
  commit: string;
  /** Branches and tags that are at it. */
  names: readonly string[];
  files: readonly FakeFile[];
}

export interface FakeRepository {
  commits: readonly FakeCommit[];
  /** The token without which it answers 401. */
  token?: string;
}

/** What goes wrong with one answer: in order, one for every time that the path's content is asked for. */
export type Fault =
  | { kind: "none" }
  /** The connection breaks after this many bytes of the answer. */
  | { kind: "drop"; afterBytes: number }
  /** The answer ends well after this many bytes, without having said how many it would be. */
  | { kind: "short"; afterBytes: number }
  /** After this many bytes nothing more comes, and the connection stays. */
  | { kind: "silence"; afterBytes: number }
  | { kind: "status"; status: number }
  /** Every byte is another. */
  | { kind: "wrong-bytes" }
  /** All of it is sent, whatever range was asked for. */
  | { kind: "whole" };

export interface Asked {
  origin: "hub" | "cdn";
  path: string;
  range: string | undefined;
  authorization: string | undefined;
}

/** Entries of a page of a listing: few, so that tests read more than one. */
const TREE_PAGE = 2;
const TEXT = new TextEncoder();

export class FakeHub {
  readonly repositories = new Map<string, FakeRepository>();
  /** By path of the file. */
  readonly faults = new Map<string, Fault[]>();
  readonly asked: Asked[] = [];
  readonly #hub = createServer((request, response) => this.#answerHub(request, response));
  readonly #cdn = createServer((request, response) => this.#answerCdn(request, response));
  url = "";
  #cdnUrl = "";

  static async start(): Promise<FakeHub> {
    const hub = new FakeHub();
    [hub.url, hub.#cdnUrl] = [await listen(hub.#hub), await listen(hub.#cdn)];
    return hub;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of [this.#hub, this.#cdn]) {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    }
  }

  /** Requests for content: not the library's look at byte 0 alone. */
  get transfers(): Asked[] {
    return this.asked.filter(({ path, range }) => range !== "bytes=0-0" && !path.startsWith("/api/models/"));
  }

  #answerHub(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", this.url);
    const path = decodeURIComponent(url.pathname);
    this.#note("hub", path, request);
    const cached = /^\/api\/resolve-cache\/models\/([^/]+\/[^/]+)\/([^/]+)\/(.+)$/u.exec(path);
    if (cached !== null) return this.#sendCached(request, response, cached);
    const [, repository = "", action = "", rest = ""] =
      /^(?:\/api\/models)?\/([^/]+\/[^/]+)\/(revision|tree|resolve)\/(.+)$/u.exec(path) ?? [];
    const found = this.repositories.get(repository);
    if (found === undefined) return sendJson(response, 404, { error: "Repository not found" });
    if (found.token !== undefined && request.headers.authorization !== `Bearer ${found.token}`) {
      return sendJson(response, 401, { error: `Access to model ${repository} is restricted` });
    }
    const slash = action === "resolve" ? rest.indexOf("/") : rest.length;
    const name = rest.slice(0, slash);
    const commit = found.commits.find((one) => one.commit === name || one.names.includes(name));
    if (commit === undefined) return sendJson(response, 404, { error: `Invalid rev id: ${name}` });
    if (action === "revision") return sendJson(response, 200, infoOf(repository, commit));
    if (action === "tree") return this.#sendTree(url, commit, response);
    this.#sendFile(request, response, { repository, commit, path: rest.slice(slash + 1) });
  }

  #sendTree(url: URL, { files }: FakeCommit, response: ServerResponse): void {
    const from = Number(url.searchParams.get("cursor") ?? 0);
    if (from + TREE_PAGE < files.length) {
      url.searchParams.set("cursor", String(from + TREE_PAGE));
      response.setHeader("link", `<${url.href}>; rel="next"`);
    }
    sendJson(response, 200, files.slice(from, from + TREE_PAGE).map(treeEntry));
  }

  #sendFile(
    request: IncomingMessage,
    response: ServerResponse,
    { repository, commit, path }: { repository: string; commit: FakeCommit; path: string },
  ): void {
    const file = commit.files.find((one) => one.path === path);
    if (file === undefined) {
      response.setHeader("x-error-code", "EntryNotFound");
      return sendJson(response, 404, { error: "Entry not found" });
    }
    response.setHeader("x-repo-commit", commit.commit);
    if (file.lfs !== true) {
      const location = `/api/resolve-cache/models/${repository}/${commit.commit}/${path}`;
      return void response.writeHead(307, { location }).end();
    }
    const sha256 = sha256Of(file.content);
    response.setHeader("x-linked-size", file.content.length);
    response.setHeader("x-linked-etag", `"${sha256}"`);
    const takesXet = request.headers.accept?.includes("application/vnd.xet-fileinfo+json") === true;
    if (file.xet === true && takesXet) return this.#sendXet(response, sha256);
    response.writeHead(302, { location: `${this.#cdnUrl}/${commit.commit}/${path}` }).end();
  }

  #sendCached(request: IncomingMessage, response: ServerResponse, [, repository = "", name, path]: string[]): void {
    const commit = this.repositories.get(repository)?.commits.find((one) => one.commit === name);
    const file = commit?.files.find((one) => one.path === path);
    if (file === undefined) return sendJson(response, 404, { error: "Entry not found" });
    this.#sendContent(request, response, file, gitBlobId(file.content));
  }

  #sendXet(response: ServerResponse, hash: string): void {
    const links = ["xet-auth", "xet-reconstruction-info"].map((rel) => `<${this.url}/api/${rel}>; rel="${rel}"`);
    response.setHeader("x-xet-hash", hash);
    response.setHeader("link", links.join(", "));
    response.writeHead(200, { "content-type": "application/vnd.xet-fileinfo+json" }).end(JSON.stringify({ hash }));
  }

  #answerCdn(request: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent(request.url ?? "/");
    this.#note("cdn", path, request);
    for (const { commits } of this.repositories.values()) {
      const commit = commits.find((one) => path.startsWith(`/${one.commit}/`));
      const file = commit?.files.find((one) => path === `/${commit.commit}/${one.path}`);
      if (file !== undefined) return this.#sendContent(request, response, file, sha256Of(file.content));
    }
    response.writeHead(404).end();
  }

  #sendContent(request: IncomingMessage, response: ServerResponse, file: FakeFile, etag: string): void {
    const { range } = request.headers;
    const { content } = file;
    response.setHeader("etag", `"${etag}"`);
    const isProbe = range === "bytes=0-0";
    const fault = isProbe ? undefined : this.faults.get(file.path)?.shift();
    if (fault?.kind === "status") return void response.writeHead(fault.status).end("out of order");
    const [, from = "", to = ""] = /^bytes=(\d+)-(\d*)$/u.exec(range ?? "") ?? [];
    if (from === "" || fault?.kind === "whole") return sendBytes(response, content, fault);
    const end = to === "" ? content.length : Math.min(Number(to) + 1, content.length);
    response.statusCode = 206;
    response.setHeader("content-range", `bytes ${from}-${end - 1}/${content.length}`);
    sendBytes(response, content.subarray(Number(from), end), fault);
  }

  #note(origin: Asked["origin"], path: string, { headers }: IncomingMessage): void {
    this.asked.push({ origin, path, range: headers.range, authorization: headers.authorization });
  }
}

async function listen(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return `http://127.0.0.1:${address.port}`;
}

function infoOf(repository: string, { commit }: FakeCommit) {
  const counts = { downloads: 0, likes: 0, private: false, gated: false };
  return { _id: "0", id: repository, sha: commit, lastModified: "2026-01-01T00:00:00.000Z", ...counts };
}

function treeEntry({ path, content, lfs }: FakeFile) {
  if (lfs !== true) return { type: "file", path, size: content.length, oid: gitBlobId(content) };
  const pointer = Buffer.from(`version https://git-lfs.github.com/spec/v1\noid sha256:${sha256Of(content)}\n`);
  const large = { oid: sha256Of(content), size: content.length, pointerSize: pointer.length };
  return { type: "file", path, size: content.length, oid: gitBlobId(pointer), lfs: large };
}

function sendBytes(response: ServerResponse, bytes: Buffer, fault: Fault | undefined): void {
  if (fault?.kind === "wrong-bytes") return void response.end(bytes.map((byte) => byte ^ 0xff));
  if (fault?.kind === "short") return void response.end(bytes.subarray(0, fault.afterBytes));
  response.setHeader("content-length", bytes.length);
  if (fault?.kind === "silence") return void response.write(bytes.subarray(0, fault.afterBytes));
  if (fault?.kind !== "drop") return void response.end(bytes);
  response.write(bytes.subarray(0, fault.afterBytes), () => response.destroy());
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response
    .writeHead(status, { "content-type": "application/json; charset=utf-8" })
    .end(TEXT.encode(JSON.stringify(body)));
}

export function sha256Of(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** As `git hash-object` names a file. */
export function gitBlobId(content: Uint8Array): string {
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}
