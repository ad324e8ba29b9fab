/**
 * Vectors out of what vLLM answers.
 *
 * @module
 */
import { quote } from "../../../shared/errors.ts";
import type { TokenVectors } from "../contract.ts";
import { halvesToFloats } from "../float16.ts";
import { bytesMetadataSchema, poolingResponseSchema, type PoolingFormat, type VllmEmbedDtype } from "./protocol.ts";

/** A response of `/pooling`, read to its end. */
export interface PoolingAnswer {
  body: Buffer;
  /** The header `metadata`. */
  metadata: string | null;
}

/** Not what was promised; the message says how. The client names the recipe and the server. */
export class UnexpectedAnswer extends Error {}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/u;

const DTYPE_BYTES: Readonly<Record<VllmEmbedDtype, number>> = { float32: 4, float16: 2, bfloat16: 2 };

/** Vectors by item, `count` of them, in the order of the request. Throws {@link UnexpectedAnswer}. */
export function readVectors(answer: PoolingAnswer, count: number, dim: number, format: PoolingFormat): TokenVectors[] {
  const items = format.encoding === "bytes" ? readBytes(answer, dim, format) : readJson(answer, dim, format);
  if (items.length !== count) throw new UnexpectedAnswer(`${items.length} items came back for ${count}`);
  const byIndex = new Map(items.map((item) => [item.index, item.values]));
  return Array.from({ length: count }, (_, index) => {
    const values = byIndex.get(index);
    if (values === undefined) throw new UnexpectedAnswer(`item ${index} is not among those that came back`);
    return { tokenCount: values.length / dim, dim, values };
  });
}

interface IndexedValues {
  index: number;
  values: Float32Array;
}

function readJson({ body }: PoolingAnswer, dim: number, { encoding, dtype }: PoolingFormat): IndexedValues[] {
  const parsed = poolingResponseSchema.safeParse(parseJson(body.toString("utf8")));
  if (!parsed.success) throw new UnexpectedAnswer("the answer is no list of pooled items");
  return parsed.data.data.map(({ index, data }) => {
    if (encoding === "float") return { index, values: readNested(data, dim) };
    // `Buffer.from` passes over what is not base64.
    if (typeof data !== "string" || data.length % 4 !== 0 || !BASE64.test(data)) {
      throw new UnexpectedAnswer(`item ${index} is not in base64`);
    }
    return { index, values: readBinary(Buffer.from(data, "base64"), dim, dtype) };
  });
}

function readBytes({ body, metadata }: PoolingAnswer, dim: number, { dtype }: PoolingFormat): IndexedValues[] {
  if (metadata === null) throw new UnexpectedAnswer("the answer has no metadata header; a proxy may have dropped it");
  const parsed = bytesMetadataSchema.safeParse(parseJson(metadata));
  if (!parsed.success) throw new UnexpectedAnswer("the metadata header does not say where vectors lie");
  return parsed.data.data.map(({ index, embed_dtype, endianness, start, end, shape }) => {
    if (embed_dtype !== dtype || endianness !== "little") {
      throw new UnexpectedAnswer(`item ${index} came as ${endianness} ${embed_dtype} instead of little ${dtype}`);
    }
    if (shape.length !== 2 || shape[1] !== dim) throw wrongDim(shape.slice(1), dim);
    if (end > body.length || end - start !== (shape[0] ?? 0) * dim * DTYPE_BYTES[dtype]) {
      throw new UnexpectedAnswer(`item ${index} should lie at bytes ${start} to ${end} of ${body.length}`);
    }
    return { index, values: readBinary(body.subarray(start, end), dim, dtype) };
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UnexpectedAnswer(`the answer is not JSON: ${quote(text)}`);
  }
}

/** JSON numbers, `[tokens, dim]`. A number that JSON does not have (NaN) comes as `null`, here NaN again. */
function readNested(data: unknown, dim: number): Float32Array {
  if (!Array.isArray(data)) throw new UnexpectedAnswer("vectors are not lists of numbers");
  // All widths before anything is allocated by them.
  const rows = data.map((row: unknown): unknown[] => {
    if (!Array.isArray(row)) throw new UnexpectedAnswer("one vector came back for an item, not one for each token");
    if (row.length !== dim) throw wrongDim([row.length], dim);
    return row;
  });
  const values = new Float32Array(rows.length * dim);
  for (const [token, row] of rows.entries()) {
    for (const [d, value] of row.entries()) values[token * dim + d] = typeof value === "number" ? value : Number.NaN;
  }
  return values;
}

/** Little-endian numbers, as all machines that run this have them. */
function readBinary(bytes: Buffer, dim: number, dtype: VllmEmbedDtype): Float32Array {
  const vectorBytes = dim * DTYPE_BYTES[dtype];
  if (bytes.length % vectorBytes !== 0) {
    throw new UnexpectedAnswer(`${bytes.length} bytes are no vectors of ${dim} numbers in ${dtype}`);
  }
  // A copy of its own: a typed array must begin at a multiple of its element's size.
  const aligned = Uint8Array.from(bytes).buffer;
  if (dtype === "float32") return new Float32Array(aligned);
  if (dtype === "float16") return halvesToFloats(new Uint8Array(aligned));
  // bfloat16 is the upper half of a float32.
  return new Float32Array(Uint32Array.from(new Uint16Array(aligned), (bits) => bits << 16).buffer);
}

function wrongDim(shape: readonly number[], dim: number): UnexpectedAnswer {
  return new UnexpectedAnswer(`vectors of ${shape.join(" × ") || "no"} numbers came back instead of ${dim}`);
}
