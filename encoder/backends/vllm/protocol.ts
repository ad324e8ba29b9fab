/**
 * What goes over the wire to vLLM's `/v1/models` and `/pooling`, and back.
 *
 * Written from vLLM's documentation up to 0.32 (docs/models/pooling_models/{README,token_embed,specific_models}.md) and its sources
 * at 055e47c28003156421365af985d676fc921cb075 (entrypoints/pooling/{base,pooling}/protocol.py, pooling/utils.py, openai/models/
 * serving.py, serve/exception_handling/error_response.py), read in November 2026. No server was at hand: tests run against
 * `test/fakes/vllm`, written from the same.
 *
 * @module
 */
import { z } from "zod";

/** How vectors come back. `float`: JSON numbers, with shapes. `base64`: no shapes. `bytes`: shapes in a header. */
export type VllmEncoding = "float" | "base64" | "bytes";
/** For `base64` and `bytes`; vLLM's fp8 types are too coarse to be of use. */
export type VllmEmbedDtype = "float32" | "float16" | "bfloat16";

/** What is encoded. Which of the vectors count is for the recipe to say. */
export type VllmItem = VllmText | VllmImage;

export interface VllmText {
  kind: "text";
  /** Token ids are taken as they are; a string is tokenised by the server, with special tokens unless the spec says not. */
  text: string | readonly number[];
  /** Vectors that must come back; undefined: at least one. */
  vectorCount?: number | undefined;
}

export interface VllmImage {
  kind: "image";
  /** A file of this type, as it goes over the wire; the server resizes it. */
  image: Uint8Array;
  mediaType: "image/png" | "image/jpeg" | "image/webp";
  /** Text after the image, such as `Describe the image.`; undefined: the image alone. */
  prompt?: string | undefined;
  vectorCount?: number | undefined;
}

/** Members of a request that decide what vectors mean, so they belong to the recipe. Names are vLLM's. */
export interface VllmRequestOptions {
  /** Server's default: true for texts, false for images (their chat template adds them). */
  add_special_tokens?: boolean | undefined;
  /** Images only. */
  mm_processor_kwargs?: Readonly<Record<string, unknown>> | undefined;
  chat_template?: string | undefined;
  chat_template_kwargs?: Readonly<Record<string, unknown>> | undefined;
  add_generation_prompt?: boolean | undefined;
  continue_final_message?: boolean | undefined;
}

export interface PoolingFormat {
  encoding: VllmEncoding;
  dtype: VllmEmbedDtype;
}

/** Body of `POST /pooling`. Texts go together; the chat form, which images need, takes one. */
export function poolingBody(
  model: string,
  items: readonly VllmItem[],
  { encoding, dtype }: PoolingFormat,
  options: VllmRequestOptions = {},
): Record<string, unknown> {
  const [first] = items;
  const input = first?.kind === "image" ? { messages: [imageMessage(first)] } : { input: items.flatMap(textInput) };
  return {
    ...options,
    model,
    task: "token_embed",
    encoding_format: encoding,
    embed_dtype: dtype,
    endianness: "little",
    ...input,
  };
}

function textInput(item: VllmItem): (string | number[])[] {
  if (item.kind !== "text") return [];
  return [typeof item.text === "string" ? item.text : [...item.text]];
}

function imageMessage({ image, mediaType, prompt }: VllmImage): object {
  const url = `data:${mediaType};base64,${Buffer.from(image).toString("base64")}`;
  const text = prompt === undefined ? [] : [{ type: "text", text: prompt }];
  return { role: "user", content: [{ type: "image_url", image_url: { url } }, ...text] };
}

/** `GET /v1/models`. `root` is what the server was told to load: a repository, or a folder. */
export const modelListSchema = z.object({
  data: z.array(z.object({ id: z.string(), root: z.string().nullish(), max_model_len: z.number().nullish() })),
});

/** `POST /pooling` as JSON. Vectors are looked at by hand: there are 130,000 numbers in a page. */
export const poolingResponseSchema = z.object({
  data: z.array(z.object({ index: z.int().nonnegative(), data: z.unknown() })),
});

/** The header `metadata` of a response in `bytes`: where in the body which item's vectors lie. */
export const bytesMetadataSchema = z.object({
  data: z.array(
    z.object({
      index: z.int().nonnegative(),
      embed_dtype: z.string(),
      endianness: z.string(),
      start: z.int().nonnegative(),
      end: z.int().nonnegative(),
      shape: z.array(z.int().nonnegative()),
    }),
  ),
});

/**
 * Shapes of an error: nested since 0.10, flat before, a bare string from the check of the key, `detail` from the framework for
 * an address that is not there.
 */
const errorSchema = z.union([
  z.object({ error: z.object({ message: z.string() }) }).transform(({ error }) => error.message),
  z.object({ error: z.string() }).transform(({ error }) => error),
  z.object({ message: z.string() }).transform(({ message }) => message),
  z.object({ detail: z.string() }).transform(({ detail }) => detail),
]);

/** What the server says went wrong; undefined if it is not vLLM that answers. */
export function errorMessage(body: string): string | undefined {
  try {
    return errorSchema.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}
