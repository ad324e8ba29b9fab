import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkSection, ContainerWriter, readContainer, type SectionKind, writeContainer } from "./container.ts";

const KINDS: readonly SectionKind[] = ["records", "bags", "identity", "pages"];
const part = fc.uint8Array({ maxLength: 9 });
const files = fc
  .array(fc.array(part, { maxLength: 4 }), { maxLength: KINDS.length })
  .map((all) => all.flatMap((parts, at) => (KINDS[at] === undefined ? [] : [{ kind: KINDS[at], parts }])));

const lengthOf = (parts: readonly Uint8Array[]) => parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
const writerFor = (sections: readonly { kind: SectionKind; parts: readonly Uint8Array[] }[]) =>
  new ContainerWriter(
    "segment",
    sections.map(({ kind, parts }) => ({ kind, length: lengthOf(parts) })),
  );

describe("ContainerWriter", () => {
  it("lays out the parts of every section in their order, with a checksum of all", () => {
    fc.assert(
      fc.property(files, (sections) => {
        const writer = writerFor(sections);
        for (const { parts } of sections) for (const bytes of parts) writer.add(bytes);
        const file = writer.finish();
        expect(file).toEqual(writeContainer("segment", sections));
        const table = readContainer(file, file.byteLength, "segment", "a file");
        for (const { kind, parts } of sections) {
          const entry = table.get(kind);
          const bytes = file.subarray(entry.offset, entry.offset + entry.length);
          checkSection(bytes, entry, kind);
          expect(Array.from(bytes)).toEqual(parts.flatMap((own) => Array.from(own)));
        }
      }),
    );
  });

  it("refuses parts that do not fill their section", () => {
    const announced = [
      { kind: "records", parts: [new Uint8Array(4)] },
      { kind: "identity", parts: [new Uint8Array(2)] },
    ] as const;
    const across = writerFor(announced);
    across.add(new Uint8Array(3));
    expect(() => across.add(new Uint8Array(2))).toThrow(/more than the bytes/);
    expect(() => across.finish()).toThrow(/fewer than the bytes/);
    const full = writerFor(announced);
    for (const bytes of [4, 2]) full.add(new Uint8Array(bytes));
    expect(() => full.add(new Uint8Array(1))).toThrow(/more than the bytes/);
  });

  it("refuses what 32 bits cannot address before it makes room for it", () => {
    const kind = "records";
    expect(() => new ContainerWriter("segment", [{ kind, length: 2 ** 40 }])).toThrow(/split it/);
  });
});
