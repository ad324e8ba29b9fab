import { describe, expect, it } from "vitest";
import { z } from "zod";
import { healthSchema } from "../shared/api/search.ts";
import { MAX_SEARCH_BODY_BYTES } from "../shared/limits.ts";
import { VERSION } from "../shared/version.ts";
import { createApp } from "./app.ts";
import { readProblem, startApp } from "./testing/harness.ts";

const app = startApp();

describe("GET /healthz", () => {
  it("says that the worker runs, and which release", async () => {
    const response = await app.fetch("/healthz");
    expect(healthSchema.parse(await response.json())).toEqual({ status: "ok", version: VERSION });
  });
});

describe("what is not there", () => {
  it.each([["/nothing"], ["/v1"], ["/v1/indexes/"], ["/v1/indexes/a/nothing"], ["/%00"], ["/.env"]])(
    "is a 404 problem at %s",
    async (path) => {
      const response = await app.fetch(path);
      expect(response.status).toBe(404);
      expect((await readProblem(response)).code).toBe("not_found");
    },
  );

  it.each([
    ["GET", "/v1/indexes/a/search", "POST"],
    ["PUT", "/v1/indexes", "GET, HEAD, POST"],
    ["PATCH", "/v1/indexes/a", "GET, HEAD, DELETE"],
    ["PUT", "/v1/indexes/a/documents/0123456789abcdef0123", "GET, HEAD, DELETE, PATCH"],
    ["DELETE", "/v1/tasks", "GET, HEAD"],
    ["POST", "/healthz", "GET, HEAD"],
    ["PATCH", "/", "GET, HEAD"],
  ])("is a 405 problem for %s %s, which allows %s", async (method, path, allow) => {
    const response = await app.fetch(path, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe(allow);
    expect((await readProblem(response)).code).toBe("method_not_allowed");
  });
});

describe("a fault of ours", () => {
  it("tells the caller no more than a code", async () => {
    const services = { ...app.services, indexes: app.services.indexes };
    const broken = createApp(services);
    broken.get("/broken", () => {
      throw new Error("the inner workings");
    });
    const response = await broken.request("/broken");
    expect(response.status).toBe(500);
    const text = await response.clone().text();
    expect(text).not.toContain("inner workings");
    expect((await readProblem(response)).code).toBe("internal");
  });
});

describe("headers", () => {
  it("carry the caller's request id, or a new one", async () => {
    const given = await app.fetch("/healthz", { headers: { "x-request-id": "mine-1" } });
    expect(given.headers.get("x-request-id")).toBe("mine-1");
    const forged = await app.fetch("/nothing", { headers: { "x-request-id": "no spaces allowed" } });
    expect(forged.headers.get("x-request-id")).toMatch(/^[\da-f-]{36}$/);
  });

  it.each([["/healthz"], ["/v1/indexes"], ["/openapi.json"], ["/nothing"], ["/"], ["/app.js"]])(
    "forbid sniffing at %s",
    async (path) => {
      expect((await app.fetch(path)).headers.get("x-content-type-options")).toBe("nosniff");
    },
  );

  it("let the page load from its own origin only, and into nobody's frame", async () => {
    const policy = (await app.fetch("/")).headers.get("content-security-policy") ?? "";
    expect(policy.split("; ")).toEqual(
      expect.arrayContaining([
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "frame-ancestors 'none'",
      ]),
    );
    expect(policy).not.toContain("unsafe");
  });

  it("let every origin call the API unless origins are listed", async () => {
    const origin = (response: Response) => response.headers.get("access-control-allow-origin");
    const ask = { headers: { origin: "https://a.example" } };
    expect(origin(await app.fetch("/v1/indexes", ask))).toBe("*");

    const narrow = startApp({ env: { CORS_ORIGINS: "https://a.example, https://b.example" } });
    expect(origin(await narrow.fetch("/v1/indexes", ask))).toBe("https://a.example");
    expect(origin(await narrow.fetch("/v1/indexes", { headers: { origin: "https://c.example" } }))).toBeNull();
  });

  it("answer a preflight, and let errors be read", async () => {
    const preflight = await app.fetch("/v1/indexes/a/search", {
      method: "OPTIONS",
      headers: { origin: "https://a.example", "access-control-request-method": "POST" },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-headers")).toContain("Content-Type");
    expect(preflight.headers.get("access-control-allow-headers")).toContain("Authorization");
    expect(preflight.headers.get("access-control-allow-methods")?.split(",")).toEqual(
      expect.arrayContaining(["POST", "PUT", "PATCH", "DELETE"]),
    );
    const failed = await app.post("/v1/indexes/-/search", { query: "x" });
    expect(failed.headers.get("access-control-allow-origin")).toBe("*");
  });
});

describe("the search page", () => {
  it.each([
    ["/", "text/html"],
    ["/app.js", "text/javascript"],
    ["/style.css", "text/css"],
  ])("is served at %s as %s", async (path, contentType) => {
    const response = await app.fetch(path);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toContain(contentType);
    const etag = response.headers.get("etag") ?? "";
    expect((await app.fetch(path, { headers: { "if-none-match": etag } })).status).toBe(304);
  });
});

const openApiSchema = z.object({
  openapi: z.string().startsWith("3.1"),
  paths: z.record(
    z.string(),
    z.record(z.string(), z.object({ summary: z.string(), responses: z.record(z.string(), z.unknown()) })),
  ),
  components: z.object({ schemas: z.record(z.string(), z.unknown()) }),
});

const securedSchema = z.object({
  paths: z.record(z.string(), z.record(z.string(), z.object({ security: z.array(z.unknown()).optional() }))),
  components: z.object({ securitySchemes: z.record(z.string(), z.unknown()) }),
});

describe("GET /openapi.json", () => {
  it("describes every route that is not the page or itself", async () => {
    const { paths, components } = openApiSchema.parse(await (await app.fetch("/openapi.json")).json());
    const described = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`),
    );
    const undescribed = new Set(["GET /", "GET /app.js", "GET /style.css", "GET /openapi.json"]);
    const routes = createApp(app.services)
      .routes.filter(({ method }) => method !== "ALL")
      .map(({ method, path }) => `${method} ${path}`)
      .filter((route) => !undescribed.has(route));
    expect(new Set(described)).toEqual(new Set(routes));
    expect(Object.keys(components.schemas)).toEqual(
      expect.arrayContaining([
        "SearchRequest",
        "SearchResponse",
        "ExplainResponse",
        "Index",
        "DocumentList",
        "Problem",
      ]),
    );
  });

  it("lists every accuracy that a request may ask for", async () => {
    const { components } = openApiSchema.parse(await (await app.fetch("/openapi.json")).json());
    expect(components.schemas["SearchRequest"]).toMatchObject({
      properties: { accuracy: { type: ["number", "string"], enum: [0.95, 0.98, 0.995, "exact"] } },
    });
  });

  it("says which routes need the admin key", async () => {
    const text = await (await app.fetch("/openapi.json")).text();
    const { paths, components } = securedSchema.parse(JSON.parse(text));
    expect(components.securitySchemes).toMatchObject({ adminKey: { type: "http", scheme: "bearer" } });
    const secured = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, { security }]) =>
        security === undefined ? [] : [`${method} ${path}`],
      ),
    );
    const writing = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods)
        .filter((method) => method !== "get" && !/\/(search|explain)$/.test(path))
        .map((method) => `${method} ${path}`),
    );
    expect(new Set(secured)).toEqual(new Set([...writing, "get /v1/tasks", "get /v1/tasks/{task}", "get /v1/aliases"]));
  });

  it("points at nothing that it does not define", async () => {
    const text = await (await app.fetch("/openapi.json")).text();
    const { components } = openApiSchema.parse(JSON.parse(text));
    const references = [...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map((match) => match[1]);
    expect(references.length).toBeGreaterThan(10);
    expect(references.filter((name) => !Object.hasOwn(components.schemas, name ?? ""))).toEqual([]);
  });
});

describe("limits", () => {
  it("hold for what the longest legal request needs", () => {
    const longest = {
      query: "\u{1f341}".repeat(1_000),
      filter: { documents: Array(1_000).fill("0123456789abcdef0123") },
    };
    expect(new TextEncoder().encode(JSON.stringify(longest)).byteLength).toBeLessThan(MAX_SEARCH_BODY_BYTES);
  });
});
