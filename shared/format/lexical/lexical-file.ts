/**
 * Opens the lexical index of an inverted file with one read of its head.
 *
 * @module
 */
import { MAX_LEXICAL_OPEN_BYTES } from "../../limits.ts";
import { layout } from "../../store/layout.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import { corrupt } from "../bytes.ts";
import { checkSection, readContainer, type SectionKind } from "../container.ts";
import type { SegmentIdentity } from "../contract.ts";
import { checkIdentity, decodeIdentity } from "../identity.ts";
import type { InvertedEntry } from "../manifest.ts";
import { ObjectRanges } from "../range-reads.ts";
import type { LexicalIndex } from "./contract.ts";
import { StoredLexicalIndex } from "./stored-lexical.ts";
import { LexicalTable } from "./table.ts";

export interface OpenLexicalOptions {
  index: string;
  /** Of the inverted file; it has a lexical index. */
  entry: Pick<InvertedEntry, "id" | "pageCount"> & { lexical: NonNullable<InvertedEntry["lexical"]> };
  /** As of the inverted file. */
  identity: SegmentIdentity;
}

/**
 * One read.
 *
 * @throws MaxleafError `corrupt_data`, `unsupported_format_version`, `recipe_mismatch`, `store_unavailable`.
 */
export async function openLexicalFile(store: ObjectStore, options: OpenLexicalOptions): Promise<LexicalIndex> {
  const { index, entry, identity } = options;
  const { id, pageCount, lexical } = entry;
  const what = `lexical index ${id}`;
  const key = layout.lexical(index, id);
  if (lexical.bytes > MAX_LEXICAL_OPEN_BYTES) throw corrupt(what, `opening it would read ${lexical.bytes} bytes`);
  const head = await store.get(key);
  if (head === undefined) throw corrupt(what, `there is no object ${key}`);
  if (head.size !== lexical.bytes) throw corrupt(what, `it has ${head.size} bytes, the manifest says ${lexical.bytes}`);
  const sections = readContainer(head.bytes, head.size, "lexical", what);
  const read = (kind: SectionKind): Uint8Array => {
    const section = sections.get(kind);
    const bytes = head.bytes.subarray(section.offset, section.offset + section.length);
    checkSection(bytes, section, `${what}, ${kind}`);
    return bytes;
  };
  checkIdentity(decodeIdentity(read("identity"), `${what}, identity`), identity, what);
  const table = new LexicalTable(read("lexicalTable"), { pageCount, partBytes: lexical.parts }, `${what}, table`);
  const parts = lexical.parts.map((bytes, part) => {
    const partKey = layout.lexicalPart(index, id, part);
    return { object: new ObjectRanges(store, partKey, bytes, `${what}, part ${part}`), offset: 0 };
  });
  return new StoredLexicalIndex(id, table, parts);
}
