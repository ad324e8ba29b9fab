import { describe, expect, it } from "vitest";
import { toProblem, MaxleafError, PROBLEM_CONTENT_TYPE } from "../../shared/errors.ts";
import { MAX_ADMIN_JSON_BYTES, MAX_DIRECT_BODY_BYTES } from "../../shared/limits.ts";
import { readProblem, startApp, type TestAppOptions } from "../testing/harness.ts";
import type { ForwardTarget } from "./forward.ts";

const KEY = "key";

function setUp(answer: NonNullable<ForwardTarget["fetch"]>, timeoutMs?: number) {
  const requests: Request[] = [];
  const forward: TestAppOptions["forward"] = {
    fetch: async (request) => {
      requests.push(request);
      return await answer(request);
    },
    timeoutMs,
  };
  const app = startApp({ env: { ADMIN_KEY: KEY }, forward });
  // As a client over HTTP does, with the length.
  const ask = async (
    method: string,
    path: string,
    body?: string | Uint8Array,
    headers: Record<string, string> = {},
  ) => {
    const length: Record<string, string> = body === undefined ? {} : { "content-length": String(body.length) };
    return await app.fetch(path, {
      method,
      headers: { authorization: `Bearer ${KEY}`, ...length, ...headers },
      ...(body === undefined ? {} : { body }),
    });
  };
  return { ask, requests };
}

const fine = async () => Response.json({ fine: true });

describe("a request that is passed on", () => {
  it("goes to the encoder under its own path, with the service's secret instead of the key", async () => {
    const { ask, requests } = setUp(async (request) => Response.json({ got: await request.text() }, { status: 202 }));
    const path = "/v1/indexes/reports/documents?name=2025%2Fq1.pdf";
    const response = await ask("POST", path, "%PDF-", {
      "content-type": "application/pdf",
      "x-request-id": "mine",
      cookie: "a=b",
    });
    expect(response.status).toBe(202);
    expect(await response.json()).toEqual({ got: "%PDF-" });
    const [request] = requests;
    expect(request?.url).toBe(`https://encoder.example${path}`);
    expect(request?.method).toBe("POST");
    const headers = Object.fromEntries(request?.headers ?? []);
    expect(headers).toEqual({
      authorization: "Bearer test-secret",
      "content-type": "application/pdf",
      "x-request-id": "mine",
    });
    expect(response.headers.get("x-request-id")).toBe("mine");
  });

  it("keeps a large body as it is", async () => {
    const { ask } = setUp(async (request) => Response.json((await request.arrayBuffer()).byteLength));
    expect(await (await ask("PUT", "/v1/uploads/a", new Uint8Array(5_000_000))).json()).toBe(5_000_000);
  });

  it("brings back status, problem and place, and nothing else", async () => {
    const { ask } = setUp(async () => {
      const problem = toProblem(new MaxleafError("name_taken", "there is one"), "/v1/indexes");
      return Response.json(problem, {
        status: 409,
        headers: { "content-type": PROBLEM_CONTENT_TYPE, "retry-after": "3", "set-cookie": "a=b", "x-internal": "1" },
      });
    });
    const response = await ask("POST", "/v1/indexes", "{}");
    expect(response.headers.get("retry-after")).toBe("3");
    expect(response.headers.get("cache-control")).toBe("no-store");
    for (const name of ["set-cookie", "x-internal"]) expect(response.headers.get(name)).toBeNull();
    expect(await readProblem(response)).toMatchObject({ status: 409, code: "name_taken", detail: "there is one" });

    const accepted = setUp(async () => Response.json({}, { status: 202, headers: { location: "/v1/tasks/1" } }));
    expect((await accepted.ask("POST", "/v1/indexes/a/compact")).headers.get("location")).toBe("/v1/tasks/1");
    const empty = setUp(async () => new Response(null, { status: 204 }));
    expect((await empty.ask("PUT", "/v1/uploads/a", "x")).status).toBe(204);
  });

  it("is refused before it is sent when it says that it is too large", async () => {
    const { ask, requests } = setUp(fine);
    for (const [method, path, bytes] of [
      ["POST", "/v1/indexes/a/documents", MAX_DIRECT_BODY_BYTES + 1],
      ["PATCH", "/v1/indexes/a/documents/b", MAX_ADMIN_JSON_BYTES + 1],
      ["DELETE", "/v1/indexes/a", 1],
    ] as const) {
      const response = await ask(method, path, "x", { "content-length": String(bytes) });
      expect(await readProblem(response)).toMatchObject({ status: 413, code: "body_too_large" });
    }
    expect(requests).toEqual([]);
  });

  it("is refused when it does not say how long it is", async () => {
    const { ask, requests } = setUp(fine);
    const app = startApp({ env: { ADMIN_KEY: KEY } });
    const init = { method: "PUT", headers: { authorization: `Bearer ${KEY}` }, body: new Blob(["%PDF-"]).stream() };
    const unannounced = await app.fetch("/v1/uploads/a", init);
    expect(await readProblem(unannounced)).toMatchObject({ status: 411, code: "length_required" });
    const wrong = await ask("PUT", "/v1/uploads/a", "x", { "content-length": "many" });
    expect(await readProblem(wrong)).toMatchObject({ status: 400, code: "invalid_request" });
    expect(requests).toEqual([]);
  });

  it.each([
    ["shorter", 4],
    ["longer", 6],
  ])("fails when its body is %s than it says", async (_, length) => {
    const { ask } = setUp(async (request) => Response.json({ got: await request.text() }));
    const response = await ask("PUT", "/v1/uploads/a", "%PDF-", { "content-length": String(length) });
    expect(response.status).toBe(503);
  });

  it.each([
    ["is away", async () => Promise.reject(new Error("refused")), /cannot be reached/],
    [
      "does not know this worker",
      async () => Response.json({ code: "unauthorized" }, { status: 401 }),
      /ENCODER_SECRET/,
    ],
    [
      "is something else",
      async () => new Response("<html>", { headers: { "content-type": "text/html" } }),
      /status 200/,
    ],
    [
      "sends elsewhere",
      async () => Response.json({}, { status: 302, headers: { location: "https://a.example" } }),
      /302/,
    ],
  ])("fails as unavailable when the encoder %s", async (_, answer, detail) => {
    const problem = await readProblem(await setUp(answer).ask("POST", "/v1/indexes", "{}"));
    expect(problem).toMatchObject({ status: 503, code: "encoder_unavailable", detail: expect.stringMatching(detail) });
    expect(JSON.stringify(problem)).not.toContain("test-secret");
  });

  it("fails when the encoder is silent, and is not sent twice", async () => {
    const { ask, requests } = setUp(
      async ({ signal }) =>
        await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      100,
    );
    expect(await readProblem(await ask("POST", "/v1/indexes", "{}"))).toMatchObject({
      status: 503,
      code: "encoder_timeout",
    });
    expect(requests).toHaveLength(1);
  });

  it("says when there is no encoder", async () => {
    const app = startApp({ env: { ADMIN_KEY: KEY }, forward: { url: undefined } });
    const response = await app.fetch("/v1/tasks", { headers: { authorization: `Bearer ${KEY}` } });
    expect(await readProblem(response)).toMatchObject({ status: 503, code: "encoder_unavailable" });
  });
});
