/**
 * The Hono application: middleware first, then one file per resource under routes/.
 *
 * @module
 */
import { OpenAPIHono } from "@hono/zod-openapi";
import { methodNotAllowed } from "hono/method-not-allowed";
import { requestId } from "hono/request-id";
import type { EdgeApp, EdgeEnv } from "./http/edge-app.ts";
import { handleError, handleMethodNotAllowed, handleNotFound } from "./http/problem.ts";
import { apiCors, apiSecurity } from "./http/security.ts";
import { rejectInvalid } from "./http/validation.ts";
import { registerAdmin } from "./routes/admin.ts";
import { registerDocuments } from "./routes/documents.ts";
import { registerExplain } from "./routes/explain.ts";
import { registerHealth } from "./routes/health.ts";
import { registerIndexes } from "./routes/indexes.ts";
import { registerOpenApi } from "./routes/openapi.ts";
import { registerPages } from "./routes/pages.ts";
import { registerSearch } from "./routes/search.ts";
import { registerUi } from "./routes/ui.ts";
import type { Services } from "./services.ts";

/** The whole worker as a Hono app over `services`. What writes is passed on to the encoder service. */
export function createApp(services: Services): EdgeApp {
  const app: EdgeApp = new OpenAPIHono<EdgeEnv>({ defaultHook: rejectInvalid });
  app.onError(handleError);
  app.notFound(handleNotFound);

  app.use(requestId());
  app.use(apiSecurity());
  for (const path of ["/v1/*", "/healthz", "/openapi.json"]) app.use(path, apiCors(services.corsOrigins));
  app.use(methodNotAllowed({ app, onMethodNotAllowed: handleMethodNotAllowed }));

  registerHealth(app);
  registerIndexes(app, services);
  registerDocuments(app, services);
  registerPages(app, services);
  registerSearch(app, services);
  registerExplain(app, services);
  registerAdmin(app, services);
  registerOpenApi(app);
  registerUi(app);
  return app;
}
