import { describe, expect, it } from "vitest";
import { MaxleafError, PROBLEM_CONTENT_TYPE, toProblem } from "../../shared/errors.ts";
import { describeCauses } from "../http/log.ts";
import { encodeAnswer, readEncodeRequest } from "../testing/encoder.ts";
import { createEncoderClient } from "./encoder-client.ts";

const SECRET = "the-very-secret-value";
const URL_OF_ENCODER = "https://encoder.example/";
const recipe = { name: "minilm-words", fingerprint: "0123456789abcdef", dim: 4 };
const answer = encodeAnswer("two words", recipe, () => Float32Array.of(1, 0, 0, 0));

/** A client whose requests are answered by `replies`, one after the other, and those requests. */
function clientOf(...replies: ((request: Request) => Response | Promise<Response>)[]) {
  const requests: Request[] = [];
  const encodeQuery = createEncoderClient({
    url: URL_OF_ENCODER,
    secret: SECRET,
    timeoutMs: 200,
    fetch: async (request) => {
      const reply = replies[requests.length];
      requests.push(request.clone());
      if (reply === undefined) throw new Error("more requests than replies");
      return await reply(request);
    },
  });
  return { encode: () => encodeQuery(recipe.name, "two words"), requests };
}

const refuseConnection = () => Promise.reject(new TypeError("connection refused"));
const problem = (error: MaxleafError) => () =>
  new Response(JSON.stringify(toProblem(error)), {
    status: error.status,
    headers: { "content-type": PROBLEM_CONTENT_TYPE },
  });

describe("the encoder client", () => {
  it("sends query, recipe and secret, and gives back the answer", async () => {
    const { encode, requests } = clientOf(() => Response.json(answer));
    expect(await encode()).toEqual(answer);
    const [request] = requests;
    expect(request?.url).toBe("https://encoder.example/v1/encode");
    expect(request?.headers.get("authorization")).toBe(`Bearer ${SECRET}`);
    expect(request && (await readEncodeRequest(request))).toEqual({ recipe: recipe.name, query: "two words" });
  });

  it.each([
    ["a lost connection", refuseConnection],
    ["a 503", () => new Response("starting", { status: 503 })],
  ])("tries once more after %s", async (_, first) => {
    const { encode, requests } = clientOf(first, () => Response.json(answer));
    expect(await encode()).toEqual(answer);
    expect(requests).toHaveLength(2);
  });

  it.each([
    ["refuses connections", refuseConnection],
    ["is busy", () => new Response("busy", { status: 503 })],
  ])("gives up after the second try when the encoder %s", async (_, reply) => {
    const { encode, requests } = clientOf(reply, reply, reply);
    await expect(encode()).rejects.toMatchObject({ code: "encoder_unavailable", status: 503 });
    expect(requests).toHaveLength(2);
  });

  it.each([
    ["headers", () => new Promise<Response>(() => undefined)],
    ["the body", () => new Response(new ReadableStream({ pull: () => new Promise(() => undefined) }))],
  ])("does not wait longer than its limit for %s", async (_, reply) => {
    await expect(clientOf(reply).encode()).rejects.toMatchObject({
      code: "encoder_timeout",
      message: expect.stringContaining("200 ms"),
    });
  });

  it.each([
    ["is not JSON", "<html>gateway</html>"],
    ["is empty", ""],
    ["lacks fields", JSON.stringify({ recipe: "minilm-words" })],
    ["has vectors that are not base64", JSON.stringify({ ...answer, vectors: "%%%" })],
    ["has a dimension of 0", JSON.stringify({ ...answer, dim: 0 })],
  ])("refuses an answer that %s", async (_, body) => {
    const { encode } = clientOf(() => new Response(body));
    await expect(encode()).rejects.toMatchObject({ code: "encoder_unavailable" });
  });

  it("does not read an answer without end", async () => {
    const chunk = new Uint8Array(64 * 1024).fill(32);
    const { encode } = clientOf(() => new Response(new ReadableStream({ pull: (stream) => stream.enqueue(chunk) })));
    await expect(encode()).rejects.toMatchObject({
      code: "encoder_unavailable",
      message: expect.stringContaining("longer"),
    });
  });

  it.each(["query_too_long", "empty_query", "model_unavailable", "overloaded"] as const)(
    "passes on %s",
    async (code) => {
      const reply = problem(new MaxleafError(code, "says the encoder"));
      const { encode } = clientOf(reply, reply);
      await expect(encode()).rejects.toMatchObject({ code, message: "says the encoder" });
    },
  );

  it("says which recipe the encoder lacks", async () => {
    const { encode } = clientOf(problem(new MaxleafError("recipe_not_found", 'there is no recipe "minilm-words"')));
    await expect(encode()).rejects.toMatchObject({
      code: "model_unavailable",
      status: 503,
      message: expect.stringContaining('"minilm-words"'),
    });
  });

  it.each([
    [401, /ENCODER_SECRET/],
    [404, /status 404/],
    [302, /status 302/],
    [500, /status 500/],
  ])("makes status %i a failure of the encoder", async (status, message) => {
    const { encode } = clientOf(
      () => new Response("no", { status, headers: { location: "https://elsewhere.example/" } }),
    );
    await expect(encode()).rejects.toMatchObject({
      code: "encoder_unavailable",
      message: expect.stringMatching(message),
    });
  });

  it.each([
    [undefined, SECRET],
    ["", SECRET],
    [URL_OF_ENCODER, undefined],
    [URL_OF_ENCODER, ""],
  ])("says that it is not configured with url %j and secret %j", async (url, secret) => {
    const encodeQuery = createEncoderClient({ url, secret });
    await expect(encodeQuery(recipe.name, "x")).rejects.toMatchObject({ code: "encoder_unavailable" });
  });

  it("never tells the secret", async () => {
    const failures = [refuseConnection, () => new Response("no", { status: 401 }), () => new Response("{}")];
    for (const reply of failures) {
      const error: unknown = await clientOf(reply, reply)
        .encode()
        .catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(MaxleafError);
      expect(describeCauses(error).join("\n")).not.toContain(SECRET);
    }
  });

  it("waits as long as the deployment says", async () => {
    const client = (timeoutMs: string) =>
      createEncoderClient({
        url: URL_OF_ENCODER,
        secret: SECRET,
        timeoutMs,
        fetch: () => new Promise(() => undefined),
      });
    await expect(client("30")(recipe.name, "words")).rejects.toMatchObject({
      code: "encoder_timeout",
      status: 503,
      message: expect.stringContaining("30 ms"),
    });
    for (const setting of ["", "0", "-5", "8s", "1e9", "120001"]) {
      await expect(client(setting)(recipe.name, "words")).rejects.toMatchObject({
        code: "internal",
        message: expect.stringContaining(`ENCODER_TIMEOUT_MS is "${setting}"`),
      });
    }
  });
});
