/**
 * The one file form of segments, codebooks, vectors objects, heads of inverted files and of their lexical indexes: a header, sections one after the other, a footer that
 * lists them with checksums, and a fixed-size tail. One read from the end opens a file.
 *
 * @module
 */
import { MaxleafError } from "../errors.ts";
import { MAX_SECTIONS, MAX_SEGMENT_BYTES } from "../limits.ts";
import { ByteReader, ByteWriter, corrupt } from "./bytes.ts";
import { crc32 } from "./crc32.ts";

/** Version of every byte described in docs/format.md. Readers refuse any other. */
export const FORMAT_VERSION = 2;

/** "MXLF" read as a little-endian u32. */
const MAGIC = 0x464c_584d;

export const HEADER_BYTES = 16;
export const TAIL_BYTES = 16;
const FOOTER_HEADER_BYTES = 4;
const SECTION_ENTRY_BYTES = 16;

const CONTAINER_CODES = { segment: 1, codebook: 2, vectors: 3, inverted: 4, lexical: 5 } as const;
export type ContainerKind = keyof typeof CONTAINER_CODES;

const SECTION_CODES = {
  identity: 1,
  pages: 2,
  documents: 3,
  bags: 4,
  records: 5,
  vectors: 6,
  centroids: 7,
  codewords: 8,
  cells: 9,
  training: 10,
  documentIds: 11,
  documentIdBlocks: 12,
  coverage: 13,
  directory: 14,
  cellTable: 15,
  lexicalBlocks: 16,
  lexicalTable: 17,
} as const;
export type SectionKind = keyof typeof SECTION_CODES;

/** Where a section lies in its file, and the CRC-32 of its bytes. */
export interface SectionEntry {
  offset: number;
  length: number;
  checksum: number;
}

/** The sections of an opened file. */
export class SectionTable {
  readonly what: string;
  readonly #entries: ReadonlyMap<number, SectionEntry>;

  constructor(what: string, entries: ReadonlyMap<number, SectionEntry>) {
    this.what = what;
    this.#entries = entries;
  }

  /** Undefined when the file has no such section: for those that older writers left out. */
  find(kind: SectionKind): SectionEntry | undefined {
    return this.#entries.get(SECTION_CODES[kind]);
  }

  /** Throws `corrupt_data` when the file has no such section. */
  get(kind: SectionKind): SectionEntry {
    const entry = this.find(kind);
    if (entry === undefined) throw corrupt(this.what, `its ${kind} section is missing`);
    return entry;
  }
}

/** A section to be written, as parts that are joined. */
export interface SectionInput {
  kind: SectionKind;
  parts: readonly Uint8Array[];
}

/** A section that is written as its parts come. */
export interface SectionLength {
  kind: SectionKind;
  /** Of all its parts. */
  length: number;
}

/**
 * A file put together in place: its parts are copied to where they belong and need not be kept until the last one is there.
 * Sections are laid out in the order given: what must be in the last read goes last.
 */
export class ContainerWriter {
  readonly #kind: ContainerKind;
  readonly #sections: readonly SectionLength[];
  readonly #checksums: number[];
  readonly #file: Uint8Array<ArrayBuffer>;
  /** The section that the next part belongs to, and where that goes. */
  #section = 0;
  #offset = HEADER_BYTES;
  #sectionEnd: number;

  /** @throws MaxleafError `internal` when offsets would not fit 32 bits. */
  constructor(kind: ContainerKind, sections: readonly SectionLength[]) {
    const bytes = containerBytes(sections.map(({ length }) => length));
    if (HEADER_BYTES + sections.reduce((sum, { length }) => sum + length, 0) > MAX_SEGMENT_BYTES) {
      throw new MaxleafError(
        "internal",
        `a ${kind} of more than ${MAX_SEGMENT_BYTES} bytes cannot be written; split it`,
      );
    }
    this.#kind = kind;
    this.#sections = sections;
    this.#checksums = sections.map(() => 0);
    this.#file = new Uint8Array(bytes);
    this.#sectionEnd = HEADER_BYTES + (sections[0]?.length ?? 0);
    const header = new ByteWriter().u32(MAGIC).u16(FORMAT_VERSION).u16(CONTAINER_CODES[kind]).u32(0).u32(0);
    this.#file.set(header.finish());
  }

  /**
   * The next part. None lies in two sections.
   *
   * @throws MaxleafError `internal` when there is no room for it.
   */
  add(part: Uint8Array): void {
    if (part.byteLength === 0) return;
    while (this.#offset === this.#sectionEnd && this.#section < this.#sections.length) {
      this.#section += 1;
      this.#sectionEnd += this.#sections[this.#section]?.length ?? 0;
    }
    const end = this.#offset + part.byteLength;
    if (end > this.#sectionEnd) {
      throw new MaxleafError("internal", `a ${this.#kind} has more than the bytes that were announced`);
    }
    this.#file.set(part, this.#offset);
    this.#checksums[this.#section] = crc32(part, this.#checksums[this.#section] ?? 0);
    this.#offset = end;
  }

  /** @throws MaxleafError `internal` when parts are missing. */
  finish(): Uint8Array<ArrayBuffer> {
    const footer = new ByteWriter().u32(this.#sections.length);
    let offset = HEADER_BYTES;
    for (const [at, { kind, length }] of this.#sections.entries()) {
      footer
        .u16(SECTION_CODES[kind])
        .u16(0)
        .u32(offset)
        .u32(length)
        .u32(this.#checksums[at] ?? 0);
      offset += length;
    }
    if (this.#offset !== offset) {
      throw new MaxleafError("internal", `a ${this.#kind} has fewer than the bytes that were announced`);
    }
    const footerBytes = footer.finish();
    const tail = new ByteWriter()
      .u32(footerBytes.byteLength)
      .u32(crc32(footerBytes))
      .u16(FORMAT_VERSION)
      .u16(CONTAINER_CODES[this.#kind])
      .u32(MAGIC)
      .finish();
    this.#file.set(footerBytes, offset);
    this.#file.set(tail, offset + footerBytes.byteLength);
    return this.#file;
  }
}

/** A whole file, as {@link ContainerWriter} makes it. */
export function writeContainer(kind: ContainerKind, sections: readonly SectionInput[]): Uint8Array {
  const lengthOf = (parts: readonly Uint8Array[]) => parts.reduce((sum, part) => sum + part.byteLength, 0);
  const writer = new ContainerWriter(
    kind,
    sections.map((section) => ({ kind: section.kind, length: lengthOf(section.parts) })),
  );
  for (const { parts } of sections) for (const part of parts) writer.add(part);
  return writer.finish();
}

/**
 * The section table of a file.
 *
 * @param end the last bytes of the file: all of it, or at least footer and tail.
 * @param size bytes of the whole file.
 * @param what names the file in errors.
 * @throws MaxleafError `corrupt_data`, or `unsupported_format_version`.
 */
export function readContainer(end: Uint8Array, size: number, kind: ContainerKind, what: string): SectionTable {
  if (end.byteLength < TAIL_BYTES) throw corrupt(what, `it has only ${end.byteLength} bytes`);
  const tail = new ByteReader(end.subarray(end.byteLength - TAIL_BYTES), `${what}, tail`);
  const footerBytes = tail.u32("footer length");
  const footerChecksum = tail.u32("footer checksum");
  checkSignature({ version: tail.u16("version"), kind: tail.u16("kind"), magic: tail.u32("magic") }, kind, what);
  if (end.byteLength === size) checkHeader(end, kind, what);

  const footerEnd = end.byteLength - TAIL_BYTES;
  if (footerBytes > FOOTER_HEADER_BYTES + MAX_SECTIONS * SECTION_ENTRY_BYTES || footerBytes > footerEnd) {
    throw corrupt(what, `its footer is said to have ${footerBytes} bytes`);
  }
  const footer = end.subarray(footerEnd - footerBytes, footerEnd);
  if (crc32(footer) !== footerChecksum) throw corrupt(what, "the checksum of its footer is wrong");
  return new SectionTable(what, readEntries(footer, size - TAIL_BYTES - footerBytes, what));
}

/** Bytes of a file with sections of these lengths. */
export function containerBytes(sectionLengths: readonly number[]): number {
  const sectionBytes = sectionLengths.reduce((total, length) => total + length, 0);
  return HEADER_BYTES + sectionBytes + FOOTER_HEADER_BYTES + sectionLengths.length * SECTION_ENTRY_BYTES + TAIL_BYTES;
}

/** Throws `corrupt_data` unless `bytes` have the entry's length and checksum. */
export function checkSection(bytes: Uint8Array, entry: SectionEntry, what: string): void {
  if (bytes.byteLength !== entry.length) throw corrupt(what, `it has ${bytes.byteLength} of ${entry.length} bytes`);
  checkRecord(bytes, entry.checksum, what);
}

/** Throws `corrupt_data` unless `bytes` have this CRC-32. */
export function checkRecord(bytes: Uint8Array, checksum: number | undefined, what: string): void {
  if (crc32(bytes) !== checksum) throw corrupt(what, "its checksum is wrong");
}

/** Sections must fill the file from header to footer without gap or overlap. */
function readEntries(footer: Uint8Array, sectionsEnd: number, what: string): Map<number, SectionEntry> {
  const reader = new ByteReader(footer, `${what}, footer`);
  const count = reader.u32("section count");
  const entries = new Map<number, SectionEntry>();
  let expectedOffset = HEADER_BYTES;
  for (let index = 0; index < count; index++) {
    const code = reader.u16("section kind");
    reader.u16("reserved");
    const entry = { offset: reader.u32("offset"), length: reader.u32("length"), checksum: reader.u32("checksum") };
    if (entries.has(code)) throw corrupt(what, `it has two sections of kind ${code}`);
    if (entry.offset !== expectedOffset) {
      throw corrupt(what, `section ${code} is said to begin at ${entry.offset}, not at ${expectedOffset}`);
    }
    expectedOffset += entry.length;
    entries.set(code, entry);
  }
  reader.expectEnd();
  if (expectedOffset !== sectionsEnd) {
    throw corrupt(what, `its sections end at ${expectedOffset} but its footer begins at ${sectionsEnd}`);
  }
  return entries;
}

function checkHeader(file: Uint8Array, kind: ContainerKind, what: string): void {
  const header = new ByteReader(file, `${what}, header`);
  const magic = header.u32("magic");
  checkSignature({ magic, version: header.u16("version"), kind: header.u16("kind") }, kind, what);
}

function checkSignature(
  found: { magic: number; version: number; kind: number },
  kind: ContainerKind,
  what: string,
): void {
  if (found.magic !== MAGIC) throw corrupt(what, "it does not begin and end as a Maxleaf file does (wrong magic)");
  if (found.version !== FORMAT_VERSION) {
    throw new MaxleafError(
      "unsupported_format_version",
      `${what} has format version ${found.version}; this version of Maxleaf reads ${FORMAT_VERSION}`,
    );
  }
  if (found.kind !== CONTAINER_CODES[kind]) throw corrupt(what, `it is of kind ${found.kind}, not a ${kind}`);
}
