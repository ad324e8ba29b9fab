/**
 * Serves the built search page with answers that a test chooses.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import sharp from "sharp";
import { explainRequestSchema, searchRequestSchema } from "../../../shared/api/search.ts";
import type { SearchRequestBody } from "../../../shared/api/search.ts";

const UI_BUILD = join(dirname(fileURLToPath(import.meta.url)), "../../../edge/ui/build");

/** At least as strict as what edge/http/security.ts sends; the test of the real stack runs under the edge's own. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export interface Answer {
  status?: number;
  body: unknown;
  /** Held back this long. */
  delayMs?: number;
}

/** What the server answers. */
export interface Scenario {
  indexes: () => Answer;
  search: (request: SearchRequestBody) => Answer;
  explain: () => Answer;
  /** Whether page images exist. */
  images: boolean;
}

export interface FixtureServer {
  url: string;
  /** Change it at any time. */
  scenario: Scenario;
  /** Questions whose request the browser gave up. */
  aborted: string[];
  close: () => Promise<void>;
}

export async function startFixtureServer(scenario: Scenario): Promise<FixtureServer> {
  const image = await sharp({ create: { width: 612, height: 792, channels: 3, background: "#fafafa" } })
    .webp()
    .toBuffer();
  const fixture = { scenario, aborted: new Array<string>() };
  const app = new Hono();

  for (const [path, file, contentType] of [
    ["/", "index.html", "text/html; charset=utf-8"],
    ["/app.js", "app.js", "text/javascript; charset=utf-8"],
    ["/style.css", "style.css", "text/css; charset=utf-8"],
  ] as const) {
    app.get(path, async (c) => {
      const headers = { "Content-Type": contentType, "Content-Security-Policy": CONTENT_SECURITY_POLICY };
      return c.body(await readFile(join(UI_BUILD, file), "utf8"), 200, headers);
    });
  }
  app.get("/images/:name", (c) =>
    fixture.scenario.images ? c.body(new Uint8Array(image), 200, { "Content-Type": "image/webp" }) : c.notFound(),
  );
  app.get("/v1/indexes", () => send(fixture.scenario.indexes()));
  app.post("/v1/indexes/:index/search", async (c) => {
    const request = searchRequestSchema.parse(await c.req.json());
    c.req.raw.signal.addEventListener("abort", () => fixture.aborted.push(request.query));
    return send(fixture.scenario.search(request));
  });
  app.post("/v1/indexes/:index/explain", async (c) => {
    explainRequestSchema.parse(await c.req.json());
    return send(fixture.scenario.explain());
  });

  const { url, close } = await listen(app);
  return Object.assign(fixture, { url, close });
}

async function send(answer: Answer): Promise<Response> {
  if (answer.delayMs !== undefined) await delay(answer.delayMs);
  const headers = { "Content-Type": "application/json" };
  return new Response(JSON.stringify(answer.body), { status: answer.status ?? 200, headers });
}

async function listen(app: Hono): Promise<{ url: string; close: () => Promise<void> }> {
  return new Promise((resolve) => {
    const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => {
      const close = async (): Promise<void> => {
        if ("closeAllConnections" in server) server.closeAllConnections();
        await new Promise<void>((closed) => server.close(() => closed()));
      };
      resolve({ url: `http://127.0.0.1:${port}`, close });
    });
  });
}
