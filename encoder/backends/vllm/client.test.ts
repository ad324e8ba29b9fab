import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Fault, FakeVllm, type FakeVllmOptions } from "../../../test/fakes/vllm/server.ts";
import { fakeVectors } from "../../../test/fakes/vllm/vectors.ts";
import { VllmClient, type VllmOptions, type VllmSpec } from "./client.ts";
import type { VllmItem } from "./protocol.ts";

const SPEC: VllmSpec = { name: "colpali-v1.3", model: "vidore/colpali-v1.3-hf", dim: 128 };
const COMMIT = "0123456789abcdef0123456789abcdef01234567";
const PNG = Uint8Array.of(137, 80, 78, 71, 1, 2, 3);

let fake: FakeVllm;
beforeEach(async () => {
  fake = await FakeVllm.start();
});
afterEach(async () => {
  await fake.close();
});

async function restart(options: FakeVllmOptions): Promise<void> {
  await fake.close();
  fake = await FakeVllm.start(options);
}

async function open(options: Partial<VllmOptions> = {}, spec: Partial<VllmSpec> = {}): Promise<VllmClient> {
  return await VllmClient.open({ ...SPEC, ...spec }, { baseUrl: fake.baseUrl, retryDelayMs: 1, ...options });
}

function text(value: string): VllmItem {
  return { kind: "text", text: value };
}

/** What the server computes for the texts. */
function expectedOf(texts: readonly (string | number[])[]): Float32Array[] {
  return fakeVectors({ input: texts }, SPEC.dim, 0).map((vectors) => vectors.values);
}

describe("encoding", () => {
  it.each([
    ["float", "float32", 1e-7],
    ["base64", "float32", 0],
    ["base64", "float16", 5e-4],
    ["base64", "bfloat16", 4e-3],
    ["bytes", "float32", 0],
    ["bytes", "float16", 5e-4],
  ] as const)("gives the server's vectors as %s in %s", async (encoding, embedDtype, tolerance) => {
    const client = await open({ encoding, embedDtype });
    const vectors = await client.encode([text("one"), text("two words"), { kind: "text", text: [2, 50_721, 573] }]);
    expect(vectors.map(({ tokenCount, dim }) => [tokenCount, dim])).toEqual([
      [3, 128],
      [4, 128],
      [3, 128],
    ]);
    for (const [i, expected] of expectedOf(["one", "two words", [2, 50_721, 573]]).entries()) {
      const worst = expected.reduce((max, value, at) => {
        return Math.max(max, Math.abs(value - (vectors[i]?.values[at] ?? Number.NaN)));
      }, 0);
      expect(worst).toBeLessThanOrEqual(tolerance);
    }
  });

  it("sends texts together and images alone, as vLLM's documentation shows them", async () => {
    const client = await open({}, { textOptions: { add_special_tokens: false } });
    const texts = Array.from({ length: 20 }, (_, i) => text(`question ${i}`));
    const image: VllmItem = { kind: "image", image: PNG, mediaType: "image/png", prompt: "Describe the image." };
    const vectors = await client.encode([...texts, image, text("last")]);
    expect(vectors).toHaveLength(22);
    expect(vectors[20]?.tokenCount).toBe(10);

    const [, ...seen] = fake.seen;
    const inputs = seen.map(({ body }) => (Array.isArray(body["input"]) ? body["input"].length : "chat"));
    expect(new Set(inputs)).toEqual(new Set([16, 4, "chat", 1]));
    expect(inputs).toHaveLength(4);
    const chat = seen.find(({ body }) => body["messages"] !== undefined);
    expect(chat?.body).toEqual({
      model: "vidore/colpali-v1.3-hf",
      task: "token_embed",
      encoding_format: "base64",
      embed_dtype: "float32",
      endianness: "little",
      messages: [
        {
          role: "user",
          content: [
            { type: "image_url", image_url: { url: "data:image/png;base64,iVBORwECAw==" } },
            { type: "text", text: "Describe the image." },
          ],
        },
      ],
    });
    expect(seen.find(({ body }) => body["input"] !== undefined)?.body).toMatchObject({ add_special_tokens: false });
  });

  it("says what the server must be started with for a prompt of the recipe's own", async () => {
    const image: VllmItem = { kind: "image", image: PNG, mediaType: "image/png" };
    const spec = { imageOptions: { chat_template: "Describe the image." } };
    await expect((await open({}, spec)).encode([image])).rejects.toMatchObject({
      code: "model_unavailable",
      message: expect.stringContaining("--trust-request-chat-template is not set"),
    });
    await restart({ trustRequestChatTemplate: true });
    expect(await (await open({}, spec)).encode([image])).toHaveLength(1);
  });

  it("keeps to the number of requests at once, and sends the key", async () => {
    await restart({ apiKey: "secret" });
    const client = await open({ concurrency: 2, apiKey: "secret" });
    fake.faults.push(...Array.from({ length: 4 }, (): Fault => ({ kind: "slow", delayMs: 30 })));
    const image: VllmItem = { kind: "image", image: PNG, mediaType: "image/png" };
    await client.encode([image, image, image, image]);
    expect(fake.mostAtOnce).toBe(2);
    expect(new Set(fake.seen.map(({ authorization }) => authorization))).toEqual(new Set(["Bearer secret"]));
  });

  it("refuses more than may wait, and anything once it is closed", async () => {
    const client = await open({ concurrency: 1, maxQueuedRequests: 2 });
    const image: VllmItem = { kind: "image", image: PNG, mediaType: "image/png" };
    await expect(client.encode([image, image, image])).rejects.toMatchObject({ code: "overloaded" });
    expect(await client.encode([image, image])).toHaveLength(2);
    await client.dispose();
    await expect(client.encode([image])).rejects.toMatchObject({ code: "model_unavailable" });
  });
});

describe("opening", () => {
  it("finds the model by its name, its root, or its folder in the hub's cache", async () => {
    const cache = `/root/.cache/huggingface/hub/models--vidore--colpali-v1.3-hf/snapshots/${COMMIT}`;
    for (const [served, confirmed] of [
      [{ model: SPEC.model }, false],
      [{ model: "pages", root: SPEC.model }, false],
      [{ model: "pages", root: cache }, true],
      [{ model: `${SPEC.model}@${COMMIT}`, root: "/models/here" }, true],
    ] as const) {
      await restart(served);
      const warnings: string[] = [];
      const onWarning = (message: string) => warnings.push(message);
      const client = await open({ baseUrl: `${fake.baseUrl}/v1/`, onWarning }, { revision: COMMIT });
      expect(warnings).toEqual(confirmed ? [] : [expect.stringContaining(`${COMMIT} is what`)]);
      expect(await client.encode([text("one")])).toHaveLength(1);
      expect(fake.seen[0]?.body["model"]).toBe(served.model);
    }
  });

  it.each<[string, FakeVllmOptions, Partial<VllmSpec>, string]>([
    [
      "another model",
      { model: "pages", root: "vidore/colqwen2-v1.0" },
      {},
      "serves pages (vidore/colqwen2-v1.0), not vidore/colpali-v1.3-hf",
    ],
    [
      "another revision",
      { model: `${SPEC.model}@${COMMIT}` },
      { revision: COMMIT.replaceAll("0", "f") },
      `serves vidore/colpali-v1.3-hf at ${COMMIT}, not at f123456789abcdeff123456789abcdeff1234567`,
    ],
    ["another dim", { dim: 64 }, {}, "vectors of 64 numbers came back instead of 128"],
    [
      "another task",
      { task: "embed" },
      {},
      "answered 400: Try switching the model's pooling_task via --pooler-config.task",
    ],
    ["no key", { apiKey: "secret" }, {}, "answered 401: Unauthorized"],
  ])("refuses a server with %s", async (_, served, spec, message) => {
    await restart(served);
    await expect(open({}, spec)).rejects.toMatchObject({
      code: "model_unavailable",
      message: expect.stringContaining(message),
    });
  });

  it("refuses addresses that are none, or where nobody answers", async () => {
    await expect(open({ baseUrl: "gpu:8000" })).rejects.toMatchObject({ code: "model_unavailable" });
    const { baseUrl } = fake;
    await fake.close();
    await expect(open({ baseUrl, retries: 1 })).rejects.toMatchObject({
      code: "encoder_unavailable",
      message: expect.stringContaining("ECONNREFUSED"),
    });
  });
});

describe("faults", () => {
  it.each<[string, Fault]>([
    ["429", { kind: "status", status: 429 }],
    [
      "500",
      {
        kind: "status",
        status: 500,
        body: '{"error":{"message":"EngineCore died","type":"InternalServerError","code":500}}',
      },
    ],
    ["503", { kind: "status", status: 503 }],
    ["a connection that ends before the answer", { kind: "drop", when: "before" }],
    ["a connection that ends amid the answer", { kind: "drop", when: "during" }],
  ])("tries again after %s", async (_, fault) => {
    const client = await open();
    fake.faults.push(fault, fault);
    const [vectors] = await client.encode([text("one")]);
    expect(vectors?.values).toEqual(expectedOf(["one"])[0]);
    expect(fake.seen).toHaveLength(4);
  });

  it.each<[Fault, string, string]>([
    [
      { kind: "status", status: 429, body: '{"error":{"message":"slow down"}}' },
      "overloaded",
      "answered 429: slow down",
    ],
    [{ kind: "status", status: 502, body: "<html>" }, "encoder_unavailable", 'answered 502: "<html>"'],
    [{ kind: "drop", when: "before" }, "encoder_unavailable", "cannot be reached"],
  ])("gives up after its retries: %o", async (fault, code, message) => {
    const client = await open({ retries: 2 });
    fake.faults.push(fault, fault, fault);
    await expect(client.encode([text("one")])).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
    expect(fake.seen).toHaveLength(4);
  });

  it("does not wait longer than it may, and does not ask again", async () => {
    const client = await open({ timeoutMs: 1_000 });
    fake.faults.push({ kind: "slow", delayMs: 20_000 });
    await expect(client.encode([text("one")])).rejects.toMatchObject({ code: "encoder_timeout" });
    expect(fake.seen).toHaveLength(2);
  });

  it("encodes the others of a request of which one text is too long", async () => {
    await restart({ maxModelLen: 10 });
    const client = await open();
    const long = text("word ".repeat(20).trim());
    const settled = await Promise.allSettled([client.encode([text("one"), long]), client.encode([text("two")])]);
    expect(settled.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
    expect(settled[0]).toMatchObject({
      reason: { code: "model_unavailable", message: expect.stringContaining("maximum context length is 10 tokens") },
    });
    // The pair, then the good one alone, then the long one alone; and the other call.
    expect(
      fake.seen
        .slice(1)
        .map(({ body }) => (Array.isArray(body["input"]) ? body["input"].length : 0))
        .toSorted((a, b) => a - b),
    ).toEqual([1, 1, 1, 2]);
  });

  it.each<[string, Partial<VllmOptions>, Fault, string]>([
    ["too few items", {}, { kind: "alter", alter: (items) => items.slice(1) }, "0 items came back for 1"],
    [
      "too many vectors",
      {},
      {
        kind: "alter",
        alter: ([item]) => (item === undefined ? [] : [{ ...item, tokens: 4, values: new Float32Array(4 * 128) }]),
      },
      "4 vectors of text came back instead of 3",
    ],
    [
      "vectors of another width, as bytes",
      { encoding: "bytes" },
      { kind: "alter", alter: ([item]) => (item === undefined ? [] : [{ ...item, dim: 64, tokens: item.tokens * 2 }]) },
      "vectors of 64 numbers came back instead of 128",
    ],
    [
      "half a vector, as base64",
      {},
      { kind: "alter", alter: ([item]) => (item === undefined ? [] : [{ ...item, values: item.values.subarray(64) }]) },
      "1280 bytes are no vectors of 128 numbers in float32",
    ],
    ...(["float", "base64", "bytes"] as const).map((encoding): [string, Partial<VllmOptions>, Fault, string] => [
      `something that is not a number, as ${encoding}`,
      { encoding },
      {
        kind: "alter",
        alter: ([item]) =>
          item === undefined ? [] : [{ ...item, values: item.values.map((value, i) => (i === 200 ? NaN : value)) }],
      },
      "vector 1 of text holds NaN",
    ]),
    ["no JSON", {}, { kind: "body", body: "<html>" }, "the answer is not JSON"],
    ["other JSON", {}, { kind: "body", body: '{"choices":[]}' }, "the answer is no list of pooled items"],
    ["no header", { encoding: "bytes" }, { kind: "body", body: "" }, "the answer has no metadata header"],
    [
      "one vector for the whole text",
      { encoding: "float" },
      { kind: "body", body: '{"data":[{"index":0,"data":[0.1,0.2]}]}' },
      "one vector came back for an item, not one for each token",
    ],
  ])("refuses an answer with %s", async (_, options, fault, message) => {
    const client = await open(options);
    fake.faults.push(fault);
    await expect(client.encode([{ kind: "text", text: "one", vectorCount: 3 }])).rejects.toMatchObject({
      code: "model_unavailable",
      message: expect.stringContaining(message),
    });
  });
});
