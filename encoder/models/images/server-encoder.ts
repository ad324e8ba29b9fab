/**
 * Sequences through a vLLM server. Questions go as token ids, pages as pictures that already have the model's own size; what
 * comes back has to have as many vectors as the recipe's prompt has positions.
 *
 * @module
 */
import sharp from "sharp";
import type { Recipe } from "../../../shared/recipe/recipe.ts";
import type { TokenVectors } from "../../backends/contract.ts";
import { DEFAULT_CONCURRENCY, type VllmClient, type VllmSpec } from "../../backends/vllm/client.ts";
import type { PagePicture } from "../model.ts";
import type { PageLayout, PictureFamily } from "./family.ts";
import type { QuerySequence, SequenceEncoder } from "./picture-model.ts";

export interface ServedModel {
  /** Of the hub: the server must have been started with it. */
  repository: string;
  /**
   * The whole prompt of a page. A model's own template would put it into a chat. vLLM takes one from a request only when it was
   * started with `--trust-request-chat-template`, and says so otherwise.
   */
  chatTemplate: string;
}

/** zlib's fastest: a page of text is 1 MB, which a local network takes in no time. */
const PNG = { compressionLevel: 1 } as const;
const CHANNELS = 3;

export function serverSpec({ name, dim }: Recipe, { repository, chatTemplate }: ServedModel): VllmSpec {
  return {
    name,
    model: repository,
    dim,
    textOptions: { add_special_tokens: false },
    imageOptions: { add_special_tokens: false, chat_template: chatTemplate },
  };
}

export class ServerEncoder implements SequenceEncoder {
  readonly pagesAtOnce = DEFAULT_CONCURRENCY;
  readonly #client: Pick<VllmClient, "encode" | "dispose">;
  readonly #family: PictureFamily;

  constructor(client: Pick<VllmClient, "encode" | "dispose">, family: PictureFamily) {
    this.#client = client;
    this.#family = family;
  }

  async encodePage({ ids }: PageLayout, picture: PagePicture): Promise<TokenVectors> {
    const { width, height, data } = this.#family.serverPicture?.(picture) ?? picture;
    const image = await sharp(data, { raw: { width, height, channels: CHANNELS } })
      .png(PNG)
      .toBuffer();
    return await this.#first({ kind: "image", image, mediaType: "image/png", vectorCount: ids.length });
  }

  encodeQuery({ ids }: QuerySequence): Promise<TokenVectors> {
    return this.#first({ kind: "text", text: ids, vectorCount: ids.length });
  }

  dispose(): Promise<void> {
    return this.#client.dispose();
  }

  async #first(item: Parameters<VllmClient["encode"]>[0][number]): Promise<TokenVectors> {
    const [vectors] = await this.#client.encode([item]);
    // A missing result is counted as no vectors, which the model refuses.
    return vectors ?? { tokenCount: 0, dim: 0, values: new Float32Array(0) };
  }
}
