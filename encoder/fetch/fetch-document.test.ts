import { createServer, type RequestListener, type Server } from "node:http";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { UrlAllowList } from "./allow-list.ts";
import { fetchDocument, type FetchDocumentOptions } from "./fetch-document.ts";
import { guardedRequest } from "./guarded-request.ts";

const PDF = "%PDF-1.7 hello";

let server: Server;
let port: number;
let folder: string;
let answer: RequestListener;
let asked: string[];
let resolved: string[];
/** What the fake resolver says of a host, each time it is asked. */
let addresses: Map<string, string[][]>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-fetch-"));
  server = createServer((request, response) => {
    asked.push(`${request.method} ${request.headers.host}${request.url}`);
    answer(request, response);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  port = typeof address === "object" && address !== null ? address.port : 0;
});

beforeEach(() => {
  asked = [];
  resolved = [];
  addresses = new Map();
  answer = (_request, response) => response.setHeader("content-type", "application/pdf").end(PDF);
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true, force: true });
});

/** Names of `*.test` are this server's, which counts as public here; what else is said of a host stays what it is. */
function options(more: Partial<FetchDocumentOptions> = {}): FetchDocumentOptions {
  return {
    allow: UrlAllowList.parse(`http://*.test:${port},http://127.0.0.1:${port},http://169.254.169.254,*.test`),
    resolve: async (host) => {
      resolved.push(host);
      const said = addresses.get(host)?.shift() ?? ["127.0.0.1"];
      return said.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
    },
    isAllowedAddress: (address) => address === "127.0.0.1",
    signal: new AbortController().signal,
    ...more,
  };
}

function fetchFile(path = "/a.pdf", more: Partial<FetchDocumentOptions> = {}) {
  return fetchDocument(`http://files.test:${port}${path}`, join(folder, "file"), options(more));
}

function redirectTo(location: string, status = 302): RequestListener {
  return (request, response) => {
    if (request.url === "/a.pdf") response.writeHead(status, { location }).end();
    else response.setHeader("content-type", "application/pdf").end(PDF);
  };
}

describe("fetchDocument", () => {
  it("writes the document to a file", async () => {
    expect(await fetchFile()).toEqual({ bytes: PDF.length });
    expect(await readFile(join(folder, "file"), "utf8")).toBe(PDF);
    expect(asked).toEqual([`GET files.test:${port}/a.pdf`]);
  });

  it.each([
    ["application/octet-stream", "/a.PDF?x=1"],
    ["binary/octet-stream", "/a%2Epdf"],
    ["", "/scan.tiff"],
    ["image/png", "/a"],
    ["Application/PDF; charset=binary", "/a"],
  ])("takes %j at %s for a document", async (type, path) => {
    answer = (_request, response) => (type === "" ? response : response.setHeader("content-type", type)).end(PDF);
    expect(await fetchFile(path)).toEqual({ bytes: PDF.length });
  });

  it.each([
    ["text/html", "/a.pdf"],
    ["application/octet-stream", "/a.exe"],
    ["", "/a"],
  ])("does not take %j at %s for one", async (type, path) => {
    answer = (_request, response) => (type === "" ? response : response.setHeader("content-type", type)).end(PDF);
    await expect(fetchFile(path)).rejects.toMatchObject({ code: "file_unsupported" });
  });

  it("refuses an answer that is packed, which nothing here unpacks", async () => {
    answer = (_request, response) =>
      response.writeHead(200, { "content-type": "application/pdf", "content-encoding": "gzip" }).end(PDF);
    await expect(fetchFile()).rejects.toMatchObject({ code: "fetch_failed" });
  });

  it.each([204, 206, 304, 404, 500])("fails for status %i", async (status) => {
    answer = (_request, response) => response.writeHead(status).end();
    await expect(fetchFile()).rejects.toMatchObject({
      code: "fetch_failed",
      message: expect.stringContaining(String(status)),
    });
  });

  it("stops at the limit, announced or not", async () => {
    expect(await fetchFile("/a.pdf", { maxBytes: PDF.length })).toEqual({ bytes: PDF.length });
    await expect(fetchFile("/a.pdf", { maxBytes: PDF.length - 1 })).rejects.toMatchObject({ code: "file_too_large" });
    let written = 0;
    answer = (_request, response) => {
      response.writeHead(200, { "content-type": "application/pdf" });
      const write = () => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024))) written += 64 * 1024;
      };
      response.on("drain", write);
      write();
    };
    await expect(fetchFile("/a.pdf", { maxBytes: 100_000 })).rejects.toMatchObject({ code: "file_too_large" });
    expect(written).toBeLessThan(64 * 1024 * 1024);
  });

  it("fails when the answer breaks off", async () => {
    answer = (_request, response) => {
      response.writeHead(200, { "content-type": "application/pdf", "content-length": "1000" });
      response.write(PDF, () => response.destroy());
    };
    await expect(fetchFile()).rejects.toMatchObject({
      code: "fetch_failed",
      message: expect.stringContaining("broke off"),
    });
  });

  it("says what the disk said, and not that the other side failed", async () => {
    const path = join(folder, "not-there", "file");
    const failed = fetchDocument(`http://files.test:${port}/a.pdf`, path, options());
    await expect(failed).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("gives up after its time limit, and at once when it is stopped", async () => {
    answer = (_request, response) => void response.writeHead(200, { "content-type": "application/pdf" }).write("%PDF");
    await expect(fetchFile("/a.pdf", { timeoutMs: 200 })).rejects.toMatchObject({ code: "fetch_failed" });
    const resolve = async () => await new Promise<never>(() => undefined);
    await expect(fetchFile("/a.pdf", { timeoutMs: 200, resolve })).rejects.toMatchObject({ code: "fetch_failed" });
    const stop = new AbortController();
    const stopped = fetchFile("/a.pdf", { signal: stop.signal });
    stop.abort(new Error("enough"));
    await expect(stopped).rejects.toThrow("enough");
  });

  it("says that nobody listens, without an address", async () => {
    const allow = UrlAllowList.parse("http://files.test:1");
    const failed = fetchDocument("http://files.test:1/a.pdf", join(folder, "file"), options({ allow }));
    await expect(failed).rejects.toMatchObject({
      code: "fetch_failed",
      message: expect.not.stringContaining("127.0.0.1"),
    });
  });
});

describe("the guard", () => {
  it("refuses a host that is not listed, without asking for its address", async () => {
    const elsewhere = fetchDocument("https://elsewhere.example/a.pdf", join(folder, "file"), options());
    await expect(elsewhere).rejects.toMatchObject({ code: "url_not_allowed" });
    expect(resolved).toEqual([]);
  });

  it.each([
    ["private", ["10.0.0.1"]],
    ["mapped", ["::ffff:127.0.0.1"]],
    ["private beside a public one", ["127.0.0.1", "192.168.0.1"]],
  ])("refuses a listed host whose address is %s", async (_, said) => {
    addresses.set("files.test", [said]);
    const refused = fetchFile();
    await expect(refused).rejects.toMatchObject({ code: "url_not_allowed" });
    await expect(refused).rejects.toMatchObject({ message: expect.not.stringContaining(said[0] ?? "") });
    expect(asked).toEqual([]);
  });

  it("connects to the address that was checked, whatever the name resolves to a moment later", async () => {
    // A rebinding name: public when it is looked at, private when it is used.
    addresses.set("files.test", [["127.0.0.1"], ["10.0.0.1"]]);
    await fetchFile();
    expect(resolved).toEqual(["files.test"]);
    expect(asked).toHaveLength(1);
    await expect(fetchFile()).rejects.toMatchObject({ code: "url_not_allowed" });
  });

  it("refuses by the real rules what the system resolves to this machine", async () => {
    const allow = UrlAllowList.parse(`http://localhost:${port}`);
    const signal = new AbortController().signal;
    await expect(
      fetchDocument(`http://localhost:${port}/a.pdf`, join(folder, "file"), { allow, signal }),
    ).rejects.toMatchObject({ code: "url_not_allowed" });
    expect(asked).toEqual([]);
  });
});

describe("redirects", () => {
  it.each([301, 302, 303, 307, 308])("are followed to a host that is listed (%i)", async (status) => {
    answer = redirectTo(`http://other.test:${port}/b`, status);
    expect(await fetchFile()).toEqual({ bytes: PDF.length });
    expect(resolved).toEqual(["files.test", "other.test"]);
  });

  it("may be relative", async () => {
    answer = redirectTo("/b");
    expect(await fetchFile()).toEqual({ bytes: PDF.length });
  });

  it.each([
    ["metadata", "http://169.254.169.254/latest/meta-data/"],
    ["another host", "https://elsewhere.example/"],
    ["a file", "file:///etc/passwd"],
    ["a user name", "https://files.test@elsewhere.example/"],
  ])("to %s are refused", async (_, location) => {
    answer = redirectTo(location);
    await expect(fetchFile()).rejects.toMatchObject({ code: "url_not_allowed" });
    expect(asked).toHaveLength(1);
  });

  it("to a listed host with a private address are refused", async () => {
    addresses.set("inner.test", [["10.1.2.3"]]);
    answer = redirectTo(`http://inner.test:${port}/b`);
    await expect(fetchFile()).rejects.toMatchObject({ code: "url_not_allowed" });
    expect(asked).toHaveLength(1);
  });

  it("are resolved anew at every hop", async () => {
    addresses.set("files.test", [["127.0.0.1"], ["10.0.0.1"]]);
    answer = redirectTo("/b");
    await expect(fetchFile()).rejects.toMatchObject({ code: "url_not_allowed" });
  });

  it("end", async () => {
    answer = (_request, response) => response.writeHead(302, { location: "/again" }).end();
    await expect(fetchFile()).rejects.toMatchObject({
      code: "fetch_failed",
      message: expect.stringContaining("too often"),
    });
    expect(asked).toHaveLength(6);
  });

  it("are not followed by a POST", async () => {
    answer = redirectTo("/b", 307);
    const request = { method: "POST", body: "{}", signal: new AbortController().signal } as const;
    const { status, message } = await guardedRequest(`http://hook.test:${port}/a.pdf`, request, options());
    message.destroy();
    expect(status).toBe(307);
    expect(asked).toEqual([`POST hook.test:${port}/a.pdf`]);
  });
});
