/**
 * The whole app over the test's R2 bucket, with an encoder that speaks the wire protocol.
 *
 * @module
 */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { problemSchema } from "../../shared/api/search.ts";
import { PROBLEM_CONTENT_TYPE } from "../../shared/errors.ts";
import { createApp } from "../app.ts";
import type { Env } from "../env.ts";
import { createForward, type ForwardTarget } from "../http/forward.ts";
import { createIsolate } from "../isolate.ts";
import { createEncoderClient, type EncoderClientOptions } from "../query/encoder-client.ts";
import { createServices, type ServiceOverrides, type Services } from "../services.ts";
import { encodeAnswer, readEncodeRequest } from "./encoder.ts";
import { wordRecipe, wordVector } from "./word-index.ts";

const ORIGIN = "https://maxleaf.example";

export interface TestApp {
  services: Services;
  /** Queries that reached the encoder. */
  asked: string[];
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** POSTs `body` as JSON. */
  post(path: string, body: unknown): Promise<Response>;
}

export interface TestAppOptions {
  env?: Partial<Env>;
  encoder?: Pick<EncoderClientOptions, "fetch" | "timeoutMs">;
  /** What stands in for the encoder service's writing routes. */
  forward?: Partial<ForwardTarget>;
  sharding?: Pick<ServiceOverrides, "shards" | "shardMemoryBytes" | "shardDeadlineMs">;
}

/** A fresh app, as a new isolate would make it, over the bucket of this test file. */
export function startApp(options: TestAppOptions = {}): TestApp {
  const asked: string[] = [];
  const encodeQuery = createEncoderClient({
    url: "https://encoder.example",
    secret: "test-secret",
    fetch: async (request) => {
      const { query } = await readEncodeRequest(request);
      asked.push(query);
      return Response.json(encodeAnswer(query, await wordRecipe(), wordVector));
    },
    ...options.encoder,
  });
  const forward = createForward({ url: "https://encoder.example", secret: "test-secret", ...options.forward });
  const services = createServices(
    { ...env, ...options.env },
    { encodeQuery, forward, isolate: createIsolate(), ...options.sharding },
  );
  const app = createApp(services);
  const fetch = async (path: string, init?: RequestInit) => {
    const context = createExecutionContext();
    const response = await app.fetch(new Request(`${ORIGIN}${path}`, init), env, context);
    await waitOnExecutionContext(context);
    return response;
  };
  return {
    services,
    asked,
    fetch,
    post: (path, body) =>
      fetch(path, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  };
}

/** The problem that `response` is; throws when it is none. */
export async function readProblem(response: Response) {
  const contentType = response.headers.get("content-type");
  if (contentType !== PROBLEM_CONTENT_TYPE)
    throw new Error(`status ${response.status} with content type ${contentType}`);
  const problem = problemSchema.parse(await response.json());
  if (problem.status !== response.status) throw new Error(`status ${response.status} says ${problem.status}`);
  return problem;
}
