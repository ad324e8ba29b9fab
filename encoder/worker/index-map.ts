/**
 * Which index an object belongs to, and what its document is called: `bucket/prefix=index`.
 *
 * @module
 */
import { MaxleafError, quote } from "../../shared/errors.ts";
import { parseIndexName } from "../../shared/names.ts";

/** The objects of `bucket` whose keys begin with `prefix` are the documents of `index`. */
export interface IndexMapping {
  bucket: string;
  /** Empty, or a folder with its `/`. */
  prefix: string;
  index: string;
}

export class IndexMap {
  readonly mappings: readonly IndexMapping[];

  /** Errors: `invalid_request` when two mappings have the same prefix or the same index. */
  constructor(mappings: readonly IndexMapping[]) {
    // Two prefixes of one index could both have a document `a.pdf`.
    requireDistinct(mappings, ({ index }) => `the index ${quote(index)}`);
    requireDistinct(mappings, ({ bucket, prefix }) => quote(`${bucket}/${prefix}`));
    // The longest prefix first: `a/b/` before `a/`.
    this.mappings = mappings.toSorted((a, b) => b.prefix.length - a.prefix.length);
  }

  /** From `bucket/prefix=index` each. Errors: `invalid_request`, `invalid_name`. */
  static parse(texts: readonly string[]): IndexMap {
    return new IndexMap(texts.map(parseMapping));
  }

  /**
   * Errors: `invalid_request` when two of the indexes are one by `resolve`, which says what index a name means: one is an alias of
   * the other, or both lead to a third; those of `resolve`.
   */
  async requireDistinctIndexes(resolve: (name: string) => Promise<string>): Promise<void> {
    const seen = new Map<string, string>();
    for (const { index: name } of this.mappings) {
      const index = await resolve(name);
      const other = seen.get(index);
      if (other !== undefined) {
        const both = `${quote(other)} and ${quote(name)}`;
        throw new MaxleafError("invalid_request", `${both} are both the index ${quote(index)}, which is mapped twice`);
      }
      seen.set(index, name);
    }
  }

  /** Where the object belongs; its document is called by its key below the prefix. Undefined when it belongs nowhere. */
  find(bucket: string, key: string): { index: string; name: string } | undefined {
    const mapping = this.mappings.find((one) => one.bucket === bucket && key.startsWith(one.prefix));
    return mapping && { index: mapping.index, name: key.slice(mapping.prefix.length) };
  }
}

/** Errors: `invalid_request`, `invalid_name`. */
export function parseMapping(text: string): IndexMapping {
  const equals = text.lastIndexOf("=");
  const [bucket = "", ...folders] = text.slice(0, Math.max(equals, 0)).split("/");
  if (bucket === "") {
    throw new MaxleafError("invalid_request", `${quote(text)} is no mapping: write it as bucket/prefix=index`);
  }
  const prefix = folders.join("/");
  const folder = prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`;
  return { bucket, prefix: folder, index: parseIndexName(text.slice(equals + 1)) };
}

function requireDistinct(mappings: readonly IndexMapping[], nameOf: (mapping: IndexMapping) => string): void {
  const names = mappings.map(nameOf);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new MaxleafError("invalid_request", `${twice} is mapped twice`);
}
