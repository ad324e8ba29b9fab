/**
 * `GET /openapi.json`: the API's description, from the schemas that check its requests.
 *
 * @module
 */
import { VERSION } from "../../shared/version.ts";
import type { EdgeApp } from "../http/edge-app.ts";

/** Register last: it describes the routes registered before it. */
export function registerOpenApi(app: EdgeApp): void {
  const describe = () =>
    app.getOpenAPI31Document({
      openapi: "3.1.0",
      info: {
        title: "Maxleaf",
        version: VERSION,
        description:
          "Late-interaction search over document pages. Reading is public, writing needs the admin key; failures are RFC 9457 problems with a stable `code`.",
        license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
      },
      tags: [{ name: "search" }, { name: "indexes" }, { name: "documents" }, { name: "tasks" }, { name: "service" }],
    });
  // Made on the first call, not at start: an isolate has a second to start, and few are ever asked.
  let description: ReturnType<typeof describe> | undefined;
  app.get("/openapi.json", (c) => {
    description ??= describe();
    return c.json(description, 200, { "Cache-Control": "public, max-age=300" });
  });
}
