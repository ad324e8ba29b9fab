/**
 * The writing routes of the encoder service, behind its secret. The edge worker passes them on from whoever has the admin
 * key, under the same paths.
 *
 * @module
 */
import { type Context, Hono, type MiddlewareHandler } from "hono";
import { taskListQuerySchema } from "../../shared/api/admin.ts";
import type { Task } from "../../shared/api/tasks.ts";
import { MaxleafError } from "../../shared/errors.ts";
import { resolveIndexName } from "../../shared/format/aliases.ts";
import { MAX_DIRECT_BODY_BYTES } from "../../shared/limits.ts";
import type { ServiceEnv } from "../service/service-env.ts";
import { addDocuments } from "./add-documents.ts";
import type { AdminServices } from "./admin-services.ts";
import { deleteOne, deleteSeveral, updateOne } from "./change-documents.ts";
import { aliasesOf, createOne, deleteAlias, dropOne, maintain, putAlias, restoreOne } from "./change-indexes.ts";
import { IncomingFiles } from "./incoming-files.ts";
import { parseBy } from "./read-json.ts";
import { createUpload, parseUploadId } from "./uploads.ts";

/** Paths that a service without bucket and queue must answer for. */
const ADMIN_PATHS = [
  "/v1/indexes",
  "/v1/indexes/*",
  "/v1/uploads/*",
  "/v1/tasks",
  "/v1/tasks/*",
  "/v1/aliases",
  "/v1/aliases/*",
];

/** Adds the routes to `app`; every one needs what `authorize` asks for. */
export function registerAdmin(
  app: Hono<ServiceEnv>,
  authorize: MiddlewareHandler,
  services: AdminServices | undefined,
): void {
  for (const path of ADMIN_PATHS) app.use(path, authorize, readToTheEnd);
  if (services !== undefined) {
    app.route("/v1", documentRoutes(services));
    app.route("/v1", indexRoutes(services));
    app.route("/v1", taskRoutes(services));
    return;
  }
  const refuse = () => {
    const how = "start it with --s3-bucket and --queue (maxleaf encoder --help)";
    throw new MaxleafError("queue_unavailable", `the encoder service has no bucket and queue to write with: ${how}`);
  };
  for (const path of ADMIN_PATHS) app.all(path, refuse);
}

/** Whoever still sends a body when it is refused might never read why: a connection that is closed under it is lost. */
const readToTheEnd: MiddlewareHandler<ServiceEnv> = async (c, next) => {
  await next();
  const { body, bodyUsed } = c.req.raw;
  if (body === null || bodyUsed || body.locked) return;
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.byteLength;
      if (bytes > MAX_DIRECT_BODY_BYTES) break;
    }
  } catch {
    // Its sender has gone: nobody is left to answer, and the answer is no failure of ours.
  }
};

function documentRoutes(services: AdminServices): Hono<ServiceEnv> {
  const routes = new Hono<ServiceEnv>();
  const files = new IncomingFiles(services.store);
  routes.post("/indexes/:index/documents", async (c) =>
    accepted(c, await addDocuments(services, files, c.req.param("index"), c.req.raw)),
  );
  routes.post("/indexes/:index/uploads", async (c) =>
    c.json(await createUpload(services, c.req.param("index"), c.req.raw), 201),
  );
  routes.put("/uploads/:upload", async (c) => {
    await files.storeBody(c.req.raw, parseUploadId(c.req.param("upload")));
    return c.body(null, 204);
  });
  routes.delete("/indexes/:index/documents/:document", async (c) =>
    c.json(await deleteOne(services, c.req.param("index"), c.req.param("document"))),
  );
  routes.post("/indexes/:index/documents/delete", async (c) =>
    c.json(await deleteSeveral(services, c.req.param("index"), c.req.raw)),
  );
  routes.patch("/indexes/:index/documents/:document", async (c) =>
    c.json(await updateOne(services, c.req.param("index"), c.req.param("document"), c.req.raw)),
  );
  return routes;
}

function indexRoutes(services: AdminServices): Hono<ServiceEnv> {
  const routes = new Hono<ServiceEnv>();
  routes.post("/indexes", async (c) => {
    const { created, body } = await createOne(services, c.req.raw);
    c.header("Location", `/v1/indexes/${body.index}`);
    return c.json(body, created ? 201 : 200);
  });
  routes.delete("/indexes/:index", async (c) => c.json(await dropOne(services, c.req.param("index"))));
  routes.post("/indexes/:index/restore", async (c) => c.json(await restoreOne(services, c.req.param("index"))));
  routes.post("/indexes/:index/compact", async (c) =>
    accepted(c, await maintain(services, "index.compact", c.req.param("index"), c.req.raw)),
  );
  routes.post("/indexes/:index/retrain", async (c) =>
    accepted(c, await maintain(services, "index.retrain", c.req.param("index"), c.req.raw)),
  );
  routes.get("/aliases", async (c) => c.json(await aliasesOf(services)));
  routes.put("/aliases/:alias", async (c) => {
    const { created, body } = await putAlias(services, c.req.param("alias"), c.req.raw);
    return c.json(body, created ? 201 : 200);
  });
  routes.delete("/aliases/:alias", async (c) =>
    c.json(await deleteAlias(services, c.req.param("alias"), c.req.query())),
  );
  return routes;
}

function taskRoutes({ store, tasks }: AdminServices): Hono<ServiceEnv> {
  const routes = new Hono<ServiceEnv>();
  routes.get("/tasks", async (c) => {
    const { index, ...query } = parseBy(taskListQuerySchema, c.req.query());
    const resolved = index === undefined ? undefined : await resolveIndexName(store, index);
    return c.json(await tasks.list({ ...query, index: resolved }));
  });
  routes.get("/tasks/:task", async (c) => c.json(await tasks.read(c.req.param("task"))));
  routes.post("/tasks/:task/cancel", async (c) => c.json(await tasks.cancel(c.req.param("task"))));
  return routes;
}

function accepted(c: Context<ServiceEnv>, task: Task): Response {
  return c.json(task, 202, { Location: `/v1/tasks/${task.id}` });
}
