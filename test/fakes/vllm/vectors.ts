/**
 * What the fake vLLM server computes, and how it writes it down.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { encodeHalf } from "../../../encoder/backends/float16.ts";
import { seededRandom } from "../../../shared/seeded-random.ts";

/** Vectors of one input: `[tokens, dim]`, L2-normalised. */
export interface FakeVectors {
  tokens: number;
  dim: number;
  values: Float32Array;
}

/** Vectors of a request to `/pooling`, decided by its inputs alone. */
export function fakeVectors(body: Record<string, unknown>, dim: number, imageTokens: number): FakeVectors[] {
  const { input, messages } = body;
  if (messages !== undefined) return [vectorsOf(JSON.stringify(messages), imageTokens, dim)];
  return inputsOf(input).map((one) => vectorsOf(JSON.stringify(one), tokensOf(one, body), dim));
}

/** `input` is a string, token ids, or a list of either. */
function inputsOf(input: unknown): unknown[] {
  if (!Array.isArray(input) || typeof input[0] === "number") return [input];
  return input;
}

function tokensOf(input: unknown, { add_special_tokens: specials = true }: Record<string, unknown>): number {
  if (Array.isArray(input)) return input.length;
  return String(input).split(/\s+/u).length + (specials === true ? 2 : 0);
}

function vectorsOf(seedText: string, tokens: number, dim: number): FakeVectors {
  const random = seededRandom(createHash("sha256").update(seedText).digest().readInt32LE());
  const values = new Float32Array(tokens * dim);
  for (let token = 0; token < tokens; token++) {
    const vector = Array.from({ length: dim }, () => random.next() * 2 - 1);
    const norm = Math.hypot(...vector);
    values.set(
      vector.map((value) => value / norm),
      token * dim,
    );
  }
  return { tokens, dim, values };
}

/** The answer in the `encoding_format`, `embed_dtype` and `endianness` of the request. */
export function encodePooled(items: readonly FakeVectors[], body: Record<string, unknown>, model: string) {
  const { encoding_format: encoding = "float", embed_dtype: dtype = "float32", endianness = "native" } = body;
  const tokens = items.reduce((sum, item) => sum + item.tokens, 0);
  const created = 1_760_000_000;
  const head = { id: "pool-0", created, model };
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  if (encoding === "bytes") {
    const parts = items.map((item) => binary(item, dtype, endianness));
    let offset = 0;
    const data = items.map(({ tokens: count, dim }, index) => {
      const start = offset;
      offset += parts[index]?.length ?? 0;
      return { index, embed_dtype: dtype, endianness, start, end: offset, shape: [count, dim] };
    });
    const metadata = JSON.stringify({ ...head, data, usage });
    return { payload: Buffer.concat(parts), headers: { "content-type": "application/octet-stream", metadata } };
  }
  const data = items.map((item, index) => {
    return {
      index,
      object: "pooling",
      data: encoding === "base64" ? binary(item, dtype, endianness).toString("base64") : rows(item),
    };
  });
  // Not a number becomes `null`, as the server's JSON library (orjson) has it.
  const payload = Buffer.from(JSON.stringify({ ...head, object: "list", data, usage }));
  return { payload, headers: { "content-type": "application/json" } };
}

function rows({ tokens, dim, values }: FakeVectors): number[][] {
  return Array.from({ length: tokens }, (_, token) => [...values.subarray(token * dim, (token + 1) * dim)]);
}

function binary({ values }: FakeVectors, dtype: unknown, endianness: unknown): Buffer {
  const size = dtype === "float32" ? 4 : 2;
  const bytes = Buffer.alloc(values.length * size);
  for (const [i, value] of values.entries()) {
    if (dtype === "float32") bytes.writeFloatLE(value, i * size);
    else bytes.writeUInt16LE(dtype === "float16" ? encodeHalf(value) : bfloat16(value), i * size);
  }
  if (endianness === "big") return size === 4 ? bytes.swap32() : bytes.swap16();
  return bytes;
}

/** Nearest, ties to even, by the bits that are cut off. */
function bfloat16(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}
