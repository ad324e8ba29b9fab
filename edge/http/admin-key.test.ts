import { afterEach, describe, expect, it, vi } from "vitest";
import { ADMIN_ROUTES } from "../../shared/api/testing.ts";
import { readProblem, startApp } from "../testing/harness.ts";
import { isSameSecret } from "./admin-key.ts";

const KEY = "the-admin-key-of-this-test";

/** What the encoder service would answer; counts what reaches it. */
function setUp(adminKey: string | undefined) {
  let forwarded = 0;
  const app = startApp({
    env: adminKey === undefined ? {} : { ADMIN_KEY: adminKey },
    forward: {
      fetch: async () => {
        forwarded += 1;
        return Response.json({});
      },
    },
  });
  const ask = async (authorization?: string, method = "GET", path = "/v1/tasks") =>
    await app.fetch(path, { method, headers: authorization === undefined ? {} : { authorization } });
  return { ask, forwarded: () => forwarded };
}

afterEach(() => void vi.restoreAllMocks());

describe("the admin key", () => {
  it.each(ADMIN_ROUTES)("is needed for %s %s", async (method, path) => {
    const { ask, forwarded } = setUp(KEY);
    for (const authorization of [undefined, "", "Basic YTpi", "Bearer", `Bearer ${KEY} ${KEY}`, KEY]) {
      const response = await ask(authorization, method, path);
      expect(response.headers.get("www-authenticate")).toContain("Bearer");
      expect(await readProblem(response)).toMatchObject({ status: 401, code: "unauthorized" });
    }
    for (const wrong of ["guess", KEY.slice(0, -1), `${KEY}x`, KEY.toUpperCase(), "undefined"]) {
      const problem = await readProblem(await ask(`Bearer ${wrong}`, method, path));
      expect(problem).toMatchObject({ status: 403, code: "forbidden" });
      expect(JSON.stringify(problem)).not.toContain(KEY);
    }
    expect(forwarded()).toBe(0);
    expect((await ask(`Bearer ${KEY}`, method, path)).status).toBe(200);
    expect(forwarded()).toBe(1);
  });

  it.each([undefined, ""])("opens nothing where none is set (%j)", async (none) => {
    const { ask, forwarded } = setUp(none);
    for (const [method, path] of ADMIN_ROUTES) {
      for (const authorization of [undefined, "Bearer guess", "Bearer undefined", "Bearer "]) {
        const problem = await readProblem(await ask(authorization, method, path));
        expect(problem).toMatchObject({ status: 403, code: "forbidden", detail: expect.stringContaining("ADMIN_KEY") });
      }
    }
    expect(forwarded()).toBe(0);
  });

  it("is not needed for reading", async () => {
    const { ask } = setUp(KEY);
    expect((await ask(undefined, "GET", "/v1/indexes")).status).toBe(200);
    expect(await readProblem(await ask(undefined, "GET", "/v1/indexes/none"))).toMatchObject({
      code: "index_not_found",
    });
  });
});

describe("isSameSecret", () => {
  it("is what it says", async () => {
    expect(await isSameSecret("a", "a")).toBe(true);
    expect(await isSameSecret("a", "b")).toBe(false);
    expect(await isSameSecret("a", "aa")).toBe(false);
    expect(await isSameSecret("", "a")).toBe(false);
    expect(await isSameSecret("ä", "ä")).toBe(true);
  });

  it("compares digests of one length by a comparison that does not stop early", async () => {
    const compare = vi.spyOn(crypto.subtle, "timingSafeEqual");
    for (const guess of ["", "x", "x".repeat(10_000), KEY]) await isSameSecret(guess, KEY);
    const lengths = compare.mock.calls.map(([a, b]) => [a.byteLength, b.byteLength]);
    expect(lengths).toEqual([1, 2, 3, 4].map(() => [32, 32]));
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(KEY));
    expect(compare.mock.calls[0]?.[1]).toEqual(digest);
  });
});
