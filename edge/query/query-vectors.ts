/**
 * The vectors of one question, asked for as soon as an index says by which recipe: while the rest of a cold index is still being
 * opened, and while what needs no vectors is read.
 *
 * @module
 */
import type { Manifest } from "../../shared/format/manifest.ts";
import type { Background, CachedEncoder, CachedEncoding } from "./cached-encoder.ts";

export interface TimedEncoding extends CachedEncoding {
  encodeMs: number;
}

export class QueryVectors {
  readonly #encoder: CachedEncoder;
  readonly #query: string;
  readonly #background: Background;
  readonly #byRecipe = new Map<string, Promise<TimedEncoding>>();

  /** @param query normalised. */
  constructor(encoder: CachedEncoder, query: string, background: Background) {
    this.#encoder = encoder;
    this.#query = query;
    this.#background = background;
  }

  /** Vectors by the recipe of `manifest`; asked for once, however often it is called. Errors: those of `CachedEncoder.encode`. */
  async of(manifest: Manifest): Promise<TimedEncoding> {
    const known = this.#byRecipe.get(manifest.recipeFingerprint);
    if (known !== undefined) return await known;
    const encoding = this.#encode(manifest);
    // A request that fails for another reason does not come to wait for it.
    encoding.catch(() => undefined);
    this.#byRecipe.set(manifest.recipeFingerprint, encoding);
    return await encoding;
  }

  async #encode(manifest: Manifest): Promise<TimedEncoding> {
    const startedAtMs = performance.now();
    const encoding = await this.#encoder.encode(manifest, this.#query, this.#background);
    return { ...encoding, encodeMs: performance.now() - startedAtMs };
  }

  /** Asks for vectors that {@link of} will be asked for. */
  foresee(manifest: Manifest): void {
    this.of(manifest).catch(() => undefined);
  }
}
