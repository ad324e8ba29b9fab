/**
 * The search page: three files embedded in the worker.
 *
 * @module
 */
import html from "../ui/build/index.html";
// oxlint-disable-next-line import/default -- wrangler embeds the built script as text; see modules.d.ts
import script from "../ui/build/app.js";
import style from "../ui/build/style.css";
import { sha256Hex } from "../../shared/names.ts";
import type { EdgeApp } from "../http/edge-app.ts";
import { matchesEtag } from "../http/etag.ts";
import { pageSecurity } from "../http/security.ts";

const FILES = [
  { path: "/", text: html, contentType: "text/html; charset=utf-8" },
  { path: "/app.js", text: script, contentType: "text/javascript; charset=utf-8" },
  { path: "/style.css", text: style, contentType: "text/css; charset=utf-8" },
] as const;

export function registerUi(app: EdgeApp): void {
  const security = pageSecurity();
  for (const { path, text, contentType } of FILES) {
    let etag: string | undefined;
    app.get(path, security, async (c) => {
      etag ??= `"${(await sha256Hex(new TextEncoder().encode(text))).slice(0, 16)}"`;
      // The names carry no version, so browsers must ask; the ETag makes the answer short.
      const headers = { ETag: etag, "Cache-Control": "no-cache" };
      if (matchesEtag(c.req.header("if-none-match"), etag)) return c.body(null, 304, headers);
      return c.body(text, 200, { ...headers, "Content-Type": contentType });
    });
  }
}
