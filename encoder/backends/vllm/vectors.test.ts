import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type FakeVectors, encodePooled } from "../../../test/fakes/vllm/vectors.ts";
import type { TokenVectors } from "../contract.ts";
import type { PoolingFormat } from "./protocol.ts";
import { type PoolingAnswer, readVectors, UnexpectedAnswer } from "./vectors.ts";

const DIM = 4;
const formats = fc.record<PoolingFormat>({
  encoding: fc.constantFrom("float", "base64", "bytes"),
  dtype: fc.constantFrom("float32", "float16", "bfloat16"),
});

/** Numbers that every format holds exactly: eighths of small whole numbers. */
const items = fc.array(
  fc.array(fc.integer({ min: -8, max: 8 }), { minLength: DIM, maxLength: 5 * DIM }).map((eighths): FakeVectors => {
    const tokens = Math.floor(eighths.length / DIM);
    return { tokens, dim: DIM, values: Float32Array.from(eighths.slice(0, tokens * DIM), (eighth) => eighth / 8) };
  }),
  { minLength: 1, maxLength: 5 },
);

function answerOf(vectors: readonly FakeVectors[], { encoding, dtype }: PoolingFormat): PoolingAnswer {
  const request = { encoding_format: encoding, embed_dtype: dtype, endianness: "little" };
  const { payload, headers } = encodePooled(vectors, request, "model");
  return { body: payload, metadata: ("metadata" in headers ? headers.metadata : undefined) ?? null };
}

/** One item's vectors, or undefined if they were refused as they should be; anything else is thrown. */
function tryToRead(answer: PoolingAnswer, format: PoolingFormat): TokenVectors | undefined {
  try {
    return readVectors(answer, 1, DIM, format)[0];
  } catch (error) {
    if (error instanceof UnexpectedAnswer) return undefined;
    throw error;
  }
}

describe("readVectors", () => {
  it("gives back what was written, in every format", () => {
    fc.assert(
      fc.property(items, formats, (vectors, format) => {
        const read = readVectors(answerOf(vectors, format), vectors.length, DIM, format);
        expect(read).toEqual(vectors.map(({ tokens, values }) => ({ tokenCount: tokens, dim: DIM, values })));
      }),
    );
  });

  it("refuses what is not base64, which Node would pass over", () => {
    for (const data of ["!", "AAAA!AAA", "AAA", 7]) {
      const body = Buffer.from(JSON.stringify({ data: [{ index: 0, data }] }));
      expect(tryToRead({ body, metadata: null }, { encoding: "base64", dtype: "float32" })).toBeUndefined();
    }
  });

  it("goes by the index, not by the order", () => {
    const data = [1, 0].map((index) => ({ index, data: [[index, 0, 0, 0]] }));
    const format = { encoding: "float", dtype: "float32" } as const;
    const read = readVectors({ body: Buffer.from(JSON.stringify({ data })), metadata: null }, 2, DIM, format);
    expect(read.map(({ values }) => values[0])).toEqual([0, 1]);
    const twice = { body: Buffer.from(JSON.stringify({ data: [data[0], data[0]] })), metadata: null };
    expect(() => readVectors(twice, 2, DIM, format)).toThrow("item 0 is not among those that came back");
  });

  it("makes vectors or a refusal of whatever else comes, and nothing else", () => {
    const metadata = fc.option(fc.oneof(fc.json(), fc.string()));
    const item = fc.oneof(
      fc.json(),
      fc.array(fc.array(fc.jsonValue(), { maxLength: DIM + 1 })).map((rows) => JSON.stringify(rows)),
    );
    const body = fc.oneof(
      fc.json(),
      fc.string(),
      item.map((value) => `{"data":[{"index":0,"data":${value}}]}`),
    );
    fc.assert(
      fc.property(body, metadata, formats, (text, header, format) => {
        const read = tryToRead({ body: Buffer.from(text), metadata: header }, format);
        expect(read?.values.length).toBe(read && read.tokenCount * DIM);
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    { start: 0, end: 2 ** 40, shape: [2 ** 36, DIM] },
    { start: 0, end: 16, shape: [2 ** 50, DIM] },
    { start: 16, end: 0, shape: [1, DIM] },
    { start: 8, end: 24, shape: [1, DIM] },
    { start: 0, end: 16, shape: [DIM] },
    { start: 0, end: 16, shape: [1, DIM], endianness: "big" },
    { start: 0, end: 16, shape: [1, DIM], embed_dtype: "fp8_e4m3" },
  ])("allocates nothing for a header that promises %o of 16 bytes", (place) => {
    const data = [{ index: 0, embed_dtype: "float32", endianness: "little", ...place }];
    const answer = { body: Buffer.alloc(16), metadata: JSON.stringify({ data }) };
    expect(tryToRead(answer, { encoding: "bytes", dtype: "float32" })).toBeUndefined();
  });
});
