import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeResponseSchema } from "../../shared/api/encode.ts";
import { problemSchema } from "../../shared/api/search.ts";
import { MAX_QUERY_CHARS, MAX_SEARCH_BODY_BYTES } from "../../shared/limits.ts";
import { findRecipe } from "../models/registry.ts";
import { LocalQueryEncoder } from "./query-encoder.ts";
import { type EncoderService, startEncoderService } from "./start-service.ts";

const SECRET = "a-secret-of-the-test";
const logLines: string[] = [];
const logger = pino({}, { write: (line: string) => void logLines.push(line) });

let service: EncoderService;

beforeAll(async () => {
  service = await startEncoderService({ port: 0, secret: SECRET, logger, modelOptions: { modelsFolder: "nowhere" } });
});
afterAll(() => service.close());

interface Sent {
  body?: string | ReadableStream;
  headers?: Record<string, string>;
}

function post({ body = JSON.stringify({ recipe: "minilm-words", query: "hello world" }), headers = {} }: Sent = {}) {
  return fetch(new URL("/v1/encode", service.url), {
    method: "POST",
    headers: { authorization: `Bearer ${SECRET}`, "content-type": "application/json", ...headers },
    body,
    ...(typeof body === "string" ? {} : { duplex: "half" as const }),
  });
}

async function problemOf(response: Response) {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const problem = problemSchema.parse(await response.json());
  expect(problem.status).toBe(response.status);
  return problem;
}

describe("POST /v1/encode", () => {
  it("answers with the vectors that the model gives in process", async () => {
    const response = await post();
    expect(response.status).toBe(200);
    const answer = encodeResponseSchema.parse(await response.json());
    const bytes = Buffer.from(answer.vectors, "base64");
    const sent = Array.from({ length: bytes.byteLength / 4 }, (_, i) => bytes.readFloatLE(i * 4));

    const encoder = new LocalQueryEncoder();
    const expected = await encoder.encodeQuery("minilm-words", "hello world");
    await encoder.dispose();
    expect(answer).toMatchObject({
      recipe: "minilm-words",
      recipeFingerprint: expected.recipeFingerprint,
      loadedRecipe: findRecipe("minilm-words"),
      dim: 128,
      tokens: [
        { text: "hello", start: 0, end: 5 },
        { text: "world", start: 6, end: 11 },
      ],
    });
    expect(sent).toEqual([...expected.vectors]);
  });

  it("answers several at once", async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => post()));
    const bodies = await Promise.all(answers.map((answer) => answer.text()));
    expect(answers.map((answer) => answer.status)).toEqual(Array.from({ length: 8 }, () => 200));
    expect(new Set(bodies).size).toBe(1);
  });

  it("says how to get a model that is not here, and nothing of its machine", async () => {
    const response = await post({ body: JSON.stringify({ recipe: "colbertv2", query: "hello world" }) });
    expect(response.status).toBe(503);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({
      code: "model_unavailable",
      detail: 'the encoder cannot use this model: on its machine "maxleaf models pull colbertv2" fetches it',
    });
    expect(text).not.toContain("model.onnx");
  });

  it("loads another recipe when it is asked for", async () => {
    const response = await post({ body: JSON.stringify({ recipe: "minilm-dense", query: "hello world" }) });
    const answer = encodeResponseSchema.parse(await response.json());
    expect(answer).toMatchObject({ dim: 384, tokens: [{ text: "hello world", start: 0, end: 11 }] });
  });

  it.each([
    ["no header", { authorization: "" }, "no Authorization header"],
    ["another scheme", { authorization: "Basic YTpi" }, "no Authorization header"],
    ["another secret", { authorization: "Bearer guess" }, "not this encoder's secret"],
    ["the secret's beginning", { authorization: `Bearer ${SECRET.slice(0, 5)}` }, "secret"],
  ])("refuses a request with %s", async (_, headers, detail) => {
    const response = await post({ headers });
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toContain("Bearer");
    const problem = await problemOf(response);
    expect(problem.code).toBe("unauthorized");
    expect(problem.detail).toContain(detail);
    expect(JSON.stringify(problem)).not.toContain(SECRET);
  });

  it.each([
    ["no JSON", "{", "invalid_json", 400, "no JSON"],
    ["no object", "[]", "invalid_request", 400, "the body"],
    ["no query", '{"recipe":"minilm-words"}', "invalid_request", 400, "query"],
    ["a foreign field", '{"recipe":"minilm-words","query":"a","k":1}', "invalid_request", 400, "k"],
    ["a query of white space", '{"recipe":"minilm-words","query":" \\n "}', "empty_query", 400, "empty"],
    ["an unknown recipe", '{"recipe":"colpali","query":"a"}', "recipe_not_found", 404, "minilm-words, minilm-dense"],
    ["a recipe from the prototype", '{"recipe":"constructor","query":"a"}', "recipe_not_found", 404, "constructor"],
    [
      "a query of too many tokens",
      JSON.stringify({ recipe: "minilm-words", query: "?!".repeat(300) }),
      "query_too_long",
      400,
      "600 tokens",
    ],
    [
      "a query of too many characters",
      JSON.stringify({ recipe: "minilm-words", query: "a".repeat(MAX_QUERY_CHARS + 1) }),
      "invalid_request",
      400,
      "query",
    ],
  ])("refuses %s", async (_, body, code, status, detail) => {
    const response = await post({ body });
    expect(response.status).toBe(status);
    const problem = await problemOf(response);
    expect(problem.code).toBe(code);
    expect(problem.detail).toContain(detail);
  });

  it("refuses another media type", async () => {
    const response = await post({ headers: { "content-type": "text/plain" } });
    expect(response.status).toBe(415);
    expect((await problemOf(response)).detail).toContain("text/plain");
  });

  it("refuses a body that is too large, announced or not", async () => {
    const body = " ".repeat(MAX_SEARCH_BODY_BYTES + 1);
    const announced = await post({ body });
    expect(announced.status).toBe(413);
    expect((await problemOf(announced)).code).toBe("body_too_large");
    const chunked = await post({ body: new Blob([body]).stream() });
    expect(chunked.status).toBe(413);
  });

  it("reads a body that comes in pieces", async () => {
    const response = await post({ body: new Blob(['{"recipe":"minilm-words",', '"query":"größer"}']).stream() });
    expect(response.status).toBe(200);
    expect(encodeResponseSchema.parse(await response.json()).tokens.at(-1)?.end).toBe(6);
  });

  it("refuses a body that is not UTF-8", async () => {
    const response = await post({ body: new Blob([Uint8Array.of(0x7b, 0xff, 0x7d)]).stream() });
    expect((await problemOf(response)).detail).toContain("UTF-8");
  });

  it("logs neither the question nor the secret", async () => {
    await post({ body: JSON.stringify({ recipe: "minilm-words", query: "confidential" }) });
    const log = logLines.join("");
    expect(log).toContain('"path":"/v1/encode","status":200');
    expect(log).not.toContain("confidential");
    expect(log).not.toContain(SECRET);
  });
});

describe("the other routes", () => {
  it("says that it is well without asking for the secret", async () => {
    const response = await fetch(new URL("/healthz", service.url));
    expect(await response.json()).toMatchObject({ status: "ok" });
  });

  it("names what it does not have", async () => {
    const response = await fetch(new URL("/v1/nothing", service.url));
    expect(response.status).toBe(404);
    expect((await problemOf(response)).detail).toContain("/v1/nothing");
  });

  it("names the methods that a path has", async () => {
    const response = await fetch(new URL("/v1/encode", service.url));
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toContain("POST");
    expect((await problemOf(response)).code).toBe("method_not_allowed");
  });
});

describe("starting and stopping", () => {
  it.each(["", "with space", "line\nbreak", "größe"])("refuses the secret %j", async (secret) => {
    await expect(startEncoderService({ port: 0, secret, logger })).rejects.toMatchObject({ code: "invalid_request" });
  });

  it("says when the port is taken", async () => {
    const port = Number(new URL(service.url).port);
    await expect(startEncoderService({ port, secret: SECRET, preload: [], logger })).rejects.toMatchObject({
      code: "invalid_request",
      message: expect.stringContaining(String(port)),
    });
  });

  it("lets requests under way end, then is gone", async () => {
    const other = await startEncoderService({ port: 0, secret: SECRET, logger });
    const sent = request(new URL("/v1/encode", other.url), {
      method: "POST",
      headers: { authorization: `Bearer ${SECRET}`, "content-type": "application/json", expect: "100-continue" },
    });
    sent.flushHeaders();
    // The service has the request and waits for its body.
    await once(sent, "continue");
    const closed = other.close();
    sent.end(JSON.stringify({ recipe: "minilm-words", query: "hello world" }));
    const [answer]: IncomingMessage[] = await once(sent, "response");
    expect(answer?.statusCode).toBe(200);
    answer?.resume();
    await closed;
    await expect(fetch(other.url)).rejects.toThrow("fetch failed");
    await other.close();
  });

  it("turns away what would wait too long", async () => {
    const busy = await startEncoderService({
      port: 0,
      secret: SECRET,
      logger,
      limits: { concurrency: 1, maxWaiting: 1 },
    });
    const answers = await Promise.all(
      Array.from({ length: 12 }, () =>
        fetch(new URL("/v1/encode", busy.url), {
          method: "POST",
          headers: { authorization: `Bearer ${SECRET}`, "content-type": "application/json" },
          body: JSON.stringify({ recipe: "minilm-words", query: "word ".repeat(300) }),
        }),
      ),
    );
    const refused = answers.filter((answer) => answer.status === 503);
    expect(answers.filter((answer) => answer.status === 200).length).toBeGreaterThan(0);
    expect(refused.length).toBeGreaterThan(0);
    for (const answer of refused) {
      expect(answer.headers.get("retry-after")).toBe("1");
      expect((await problemOf(answer)).code).toBe("overloaded");
    }
    await busy.close();
  });
});
