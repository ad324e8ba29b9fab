/**
 * The writing routes: for whoever has the admin key, answered by the encoder service. Described here for `/openapi.json`; the
 * service checks their bodies by the same schemas.
 *
 * @module
 */
import { requireAdminKey } from "../http/admin-key.ts";
import type { EdgeApp } from "../http/edge-app.ts";
import type { Services } from "../services.ts";
import { documentRoutes } from "./admin-documents.ts";
import { indexRoutes } from "./admin-indexes.ts";
import { taskRoutes } from "./admin-tasks.ts";
import { problem } from "./responses.ts";

/** Name of the key in `/openapi.json`. */
const SCHEME = "adminKey";

/** Adds the writing routes to `app`. */
export function registerAdmin(app: EdgeApp, { adminKey, forward }: Services): void {
  app.openAPIRegistry.registerComponent("securitySchemes", SCHEME, {
    type: "http",
    scheme: "bearer",
    description: "The deployment's ADMIN_KEY.",
  });
  const authorize = requireAdminKey(adminKey);
  for (const { config, maxBodyBytes } of [...documentRoutes, ...indexRoutes, ...taskRoutes]) {
    const responses = { ...refusals, ...config.responses };
    app.openAPIRegistry.registerPath({ ...config, responses, security: [{ [SCHEME]: [] }] });
    const path = config.path.replaceAll(/\{(\w+)\}/g, ":$1");
    app.on(config.method.toUpperCase(), path, authorize, async (c) => await forward(c, maxBodyBytes));
  }
}

/** What every writing route may answer. */
const refusals = {
  400: problem("The request is not valid: `invalid_request`, `invalid_json`, `invalid_name`."),
  401: problem("The request has no key: `unauthorized`."),
  403: problem("The key is another, or the deployment has none: `forbidden`. Or `url_not_allowed`."),
  404: problem("What the path or the body names is not there; the code says what."),
  409: problem(
    "It cannot be done now: `name_taken`, `commit_conflict`, `commit_expired`, `compaction_needed`, `recipe_mismatch`, `task_not_cancelable`.",
  ),
  411: problem("The body has no length: `length_required`."),
  413: problem("The body, or the file that it announces, is too large: `body_too_large`, `file_too_large`."),
  415: problem("The body is of a type that the route does not take: `unsupported_media_type`."),
  422: problem("The file has no byte: `file_empty`."),
  500: problem(
    "What is stored is damaged or of a newer format: `corrupt_data`, `unsupported_format_version`, `internal`.",
  ),
  503: problem(
    "What is needed cannot be reached or has no room: `encoder_unavailable`, `encoder_timeout`, `queue_unavailable`, `store_unavailable`, `overloaded`. `Retry-After` says when to try again.",
  ),
};
