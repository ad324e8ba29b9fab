/**
 * A model that looks at pages: every position of a page's sequence is a page vector, as colpali-engine scores it; those of
 * picture tokens sit in cells of a grid, the others (prompt, tile markers, the page as a whole) nowhere.
 *
 * @module
 */
import type { EncodedQuery, QueryToken } from "../../../shared/engine/contract.ts";
import { MaxleafError, quote } from "../../../shared/errors.ts";
import { MAX_QUERY_CHARS, MAX_QUERY_TOKENS } from "../../../shared/limits.ts";
import { recipeFingerprint } from "../../../shared/recipe/fingerprint.ts";
import type { Recipe } from "../../../shared/recipe/recipe.ts";
import type { TokenVectors } from "../../backends/contract.ts";
import type { Model, ModelPage, PageInput, PagePicture } from "../model.ts";
import type { PageLayout, PictureFamily } from "./family.ts";
import type { TextToken, TextTokenizer } from "./text-tokenizer.ts";

/**
 * A4 at 200 dpi, as the ViDoRe benchmarks were rasterised. At least the 2048 that Idefics3 scales to: pictures that had to be
 * made larger gave patches with a cosine down to 0.77 to the reference, made smaller 0.99 (DeskRAG).
 */
export const PICTURE_LONG_EDGE_PX = 2_339;

/** A question ready for a backend. */
export interface QuerySequence {
  /** With prefix. */
  text: string;
  ids: readonly number[];
}

/** Runs sequences, on a graph or a server. */
export interface SequenceEncoder {
  /** Pages worth giving it at once. The tensors of a page are up to 53 MB. */
  readonly pagesAtOnce: number;
  /** `[layout.ids, dim]`. */
  encodePage(layout: PageLayout, picture: PagePicture): Promise<TokenVectors>;
  /** `[query.ids, dim]`. */
  encodeQuery(query: QuerySequence): Promise<TokenVectors>;
  dispose(): Promise<void>;
}

interface Parts {
  recipe: Recipe;
  family: PictureFamily;
  tokenizer: TextTokenizer;
  encoder: SequenceEncoder;
}

export class PictureModel implements Model {
  readonly recipe: Recipe;
  readonly recipeFingerprint: string;
  readonly pictureLongEdgePx = PICTURE_LONG_EDGE_PX;
  readonly #family: PictureFamily;
  readonly #tokenizer: TextTokenizer;
  readonly #encoder: SequenceEncoder;

  private constructor({ recipe, family, tokenizer, encoder }: Parts, fingerprint: string) {
    this.recipe = recipe;
    this.recipeFingerprint = fingerprint;
    this.#family = family;
    this.#tokenizer = tokenizer;
    this.#encoder = encoder;
  }

  static async create(parts: Parts): Promise<PictureModel> {
    return new PictureModel(parts, await recipeFingerprint(parts.recipe));
  }

  /**
   * Errors: `invalid_request` for a page without a picture, `file_unreadable` for one of a shape that the model does not take,
   * and those of the backend.
   */
  async encodePages(pages: readonly PageInput[]): Promise<ModelPage[]> {
    const { pagesAtOnce } = this.#encoder;
    const encoded: ModelPage[] = [];
    for (let start = 0; start < pages.length; start += pagesAtOnce) {
      const group = pages.slice(start, start + pagesAtOnce);
      encoded.push(...(await Promise.all(group.map((page) => this.#encodePage(page)))));
    }
    return encoded;
  }

  async encodeQuery(text: string): Promise<EncodedQuery> {
    const { sequence, tokens } = this.#prepareQuery(text);
    const { tokenCount, values } = this.#checked(await this.#encoder.encodeQuery(sequence), sequence.ids.length);
    return { recipeFingerprint: this.recipeFingerprint, dim: this.recipe.dim, tokenCount, vectors: values, tokens };
  }

  dispose(): Promise<void> {
    return this.#encoder.dispose();
  }

  async #encodePage(page: PageInput): Promise<ModelPage> {
    const { pageNumber, width, height, picture } = page;
    if (picture === undefined) {
      throw new MaxleafError(
        "invalid_request",
        `${this.recipe.name} looks at pages; page ${pageNumber} has no picture`,
      );
    }
    const layout = this.#family.pageLayout(picture);
    const { tokenCount, values } = this.#checked(await this.#encoder.encodePage(layout, picture), layout.ids.length);
    return {
      pageNumber,
      width,
      height,
      status: "searchable",
      vectorCount: tokenCount,
      vectors: values,
      geometry: {
        kind: "grid",
        boxes: new Uint16Array(0),
        columns: layout.columns,
        rows: layout.rows,
        regionOfVector: layout.regionOfPosition,
      },
      text: page.words.flatMap((word) => word.text.match(/\S+/gu) ?? []).join(" "),
      wordsLeftOut: 0,
    };
  }

  #prepareQuery(query: string): { sequence: QuerySequence; tokens: QueryToken[] } {
    if (query.length > MAX_QUERY_CHARS) {
      const message = `the query has ${query.length} characters; ${MAX_QUERY_CHARS} are allowed`;
      throw new MaxleafError("query_too_long", message);
    }
    if (query.trim() === "") throw new MaxleafError("empty_query", "the query is empty");
    const { queryPrefix, queryFrame } = this.#family;
    const text = queryPrefix + query;
    const words = this.#tokenizer.encode(text);
    const ids = [...queryFrame.before, ...words.map(({ id }) => id), ...queryFrame.after];
    if (ids.length > MAX_QUERY_TOKENS) {
      const message = `the query has ${ids.length} tokens, those of the model's prompt included; ${MAX_QUERY_TOKENS} are allowed`;
      throw new MaxleafError("query_too_long", message);
    }
    const tokens = [
      ...queryFrame.before.map(() => UNDRAWN),
      ...words.map((token) => toQueryToken(token, query, queryPrefix.length)),
      ...queryFrame.after.map(() => UNDRAWN),
    ];
    return { sequence: { text, ids }, tokens };
  }

  /** The vectors, scaled to length 1 (float16 graphs are off by up to 0.001). */
  #checked(found: TokenVectors, expectedCount: number): TokenVectors {
    const { dim, name } = this.recipe;
    const { tokenCount, values } = found;
    if (tokenCount !== expectedCount || found.dim !== dim || values.length !== tokenCount * dim) {
      const what = `${tokenCount} vectors of ${found.dim} dimensions instead of ${expectedCount} of ${dim}`;
      throw new MaxleafError(
        "model_unavailable",
        `the model of ${quote(name)} gave ${what}: its prompt is not the recipe's`,
      );
    }
    for (let row = 0; row < tokenCount; row++) {
      const vector = values.subarray(row * dim, (row + 1) * dim);
      const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
      if (!(length > 0 && Number.isFinite(length))) {
        throw new MaxleafError("model_unavailable", `the model of ${quote(name)} gave a vector of length ${length}`);
      }
      for (const [i, value] of vector.entries()) vector[i] = value / length;
    }
    return found;
  }
}

/** Markers and augmentation tokens score but are not drawn. */
const UNDRAWN: QueryToken = { text: "", start: 0, end: 0 };

/** The token without the spaces around it, in the user's own question. */
function toQueryToken({ start, end }: TextToken, query: string, prefixLength: number): QueryToken {
  const from = Math.max(0, start - prefixLength);
  const to = Math.max(0, end - prefixLength);
  const piece = query.slice(from, to);
  const text = piece.trim();
  if (text === "") return UNDRAWN;
  const shift = piece.length - piece.trimStart().length;
  return { text, start: from + shift, end: from + shift + text.length };
}
