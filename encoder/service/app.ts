/**
 * The encoder service as a Hono application: middleware first, then its routes.
 *
 * @module
 */
import { Hono } from "hono";
import { methodNotAllowed } from "hono/method-not-allowed";
import { requestId } from "hono/request-id";
import type { Logger } from "pino";
import { VERSION } from "../../shared/version.ts";
import type { AdminServices } from "../admin/admin-services.ts";
import { registerAdmin } from "../admin/routes.ts";
import { metricsRoute } from "../metrics/metrics-route.ts";
import { Admission, type AdmissionLimits } from "./admission.ts";
import { requireBearer } from "./bearer-auth.ts";
import { encodeRoute } from "./encode-route.ts";
import { handleError, handleMethodNotAllowed, handleNotFound } from "./problem.ts";
import type { ServiceEncoder } from "./query-encoder.ts";
import { logRequests } from "./request-log.ts";
import type { ServiceEnv } from "./service-env.ts";

export interface EncoderAppOptions {
  encoder: ServiceEncoder;
  secret: string;
  logger: Logger;
  limits: AdmissionLimits;
  /** What the writing routes work with; without, they say that the service has no bucket. */
  admin?: AdminServices | undefined;
}

/** The service over an encoder. Everything but `/healthz` needs the secret. */
export function createEncoderApp({ encoder, secret, logger, limits, admin }: EncoderAppOptions): Hono<ServiceEnv> {
  const app = new Hono<ServiceEnv>();
  app.onError(handleError);
  app.notFound(handleNotFound);

  app.use(requestId());
  app.use(logRequests(logger));
  app.use(methodNotAllowed({ app, onMethodNotAllowed: handleMethodNotAllowed }));

  app.get("/healthz", (c) => c.json({ status: "ok", version: VERSION }));
  const authorize = requireBearer(secret);
  app.post("/v1/encode", authorize, encodeRoute(encoder, new Admission(limits)));
  app.get("/metrics", authorize, metricsRoute);
  registerAdmin(app, authorize, admin);
  return app;
}
