import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { layout } from "../../shared/store/layout.ts";
import { deleteDocument } from "../indexing/commit-changes.ts";
import { buildInvertedFile } from "../indexing/inverted-file.ts";
import { TestIndex } from "../indexing/testing-index.ts";
import { examineIndex } from "./doctor.ts";
import { addWithFiles, decorateKey, keysOf } from "./testing.ts";

let books: TestIndex;
/** Of the two segments, in order. */
let ids: string[];
let idOfA: string;
beforeEach(async () => {
  books = new TestIndex();
  const writer = await books.openWriter();
  idOfA = await addWithFiles(books, writer, "a", [20, 0, 10]);
  const idOfGone = await addWithFiles(books, writer, "gone", [10]);
  await writer.commit();
  await addWithFiles(books, writer, "b", [15]);
  await writer.commit();
  await buildInvertedFile({ store: books.store, index: books.name });
  await deleteDocument({ store: books.store, index: books.name }, idOfGone);
  ids = (await books.manifest()).segments.map(({ id }) => id);
});
afterEach(async () => await books.close());

const diagnose = async (deep = false) => await examineIndex({ store: books.store, index: books.name, deep });
const key = (relative: string) => layout.index(books.name) + relative;

/** Flips a bit of an object at `at` (negative: from its end). */
async function damage(relative: string, at: number): Promise<void> {
  const object = await books.store.get(key(relative));
  if (object === undefined) throw new Error(`there is no ${relative}`);
  const position = at < 0 ? object.bytes.length + at : at;
  object.bytes[position] = (object.bytes[position] ?? 0) ^ 1;
  await books.store.put(key(relative), object.bytes);
}

const keyLike = async (pattern: RegExp): Promise<string> => {
  const found = (await keysOf(books.store, books.name)).find((relative) => pattern.test(relative));
  if (found === undefined) throw new Error(`nothing is like ${pattern}`);
  return found;
};

describe("a healthy index", () => {
  it("with deletions and an inverted file is well, looked at from far and from near", async () => {
    for (const deep of [false, true]) {
      expect(await diagnose(deep)).toMatchObject({
        isWell: true,
        deep,
        findings: [],
        checked: { manifests: 4, segments: 2, pages: 4, documents: 2 },
      });
    }
  });

  it("that is not there is said not to be", async () => {
    await expect(examineIndex({ store: books.store, index: "none" })).rejects.toMatchObject({
      code: "index_not_found",
    });
  });

  it("that cannot be reached is not said to be ill", async () => {
    const store = decorateKey(books.store, /\.vectors$/);
    await expect(examineIndex({ store, index: books.name })).rejects.toMatchObject({ code: "store_unavailable" });
  });
});

describe("damage", () => {
  /** Removes or changes something; then the findings must say so, and name the documents. */
  const cases: {
    name: string;
    harm: () => Promise<void>;
    says: RegExp;
    mend: RegExp;
    documents?: string[];
    deep?: boolean;
  }[] = [
    {
      name: "a segment is missing",
      harm: async () => await books.store.delete([layout.segment(books.name, ids[1] ?? "")]),
      says: /segment .* is corrupt: there is no object/,
      mend: /import an export/,
    },
    {
      name: "a segment was cut off",
      harm: async () => {
        const object = await books.store.get(layout.segment(books.name, ids[0] ?? ""));
        await books.store.put(layout.segment(books.name, ids[0] ?? ""), object?.bytes.subarray(9) ?? new Uint8Array());
      },
      says: /bytes, the manifest says/,
      mend: /import an export/,
    },
    {
      name: "a bit of a segment's tables flipped",
      harm: async () => await damage(`segments/${ids[0]}`, -180),
      says: /checksum/,
      mend: /import an export/,
    },
    {
      name: "a bit of a page flipped",
      harm: async () => await damage(`segments/${ids[0]}`, 20),
      says: /page 0 .*checksum/,
      mend: /delete these documents/,
      documents: ["a"],
      deep: true,
    },
    {
      name: "a bit of an exact vector flipped",
      harm: async () => await damage(`segments/${ids[1]}.vectors`, 30),
      says: /vectors of segment .*page 0.*checksum/,
      mend: /delete these documents/,
      documents: ["b"],
      deep: true,
    },
    {
      name: "vectors are missing",
      harm: async () => await books.store.delete([layout.vectors(books.name, ids[0] ?? "")]),
      says: /vectors of segment .* there is no object/,
      mend: /delete these documents/,
      documents: ["a"],
    },
    {
      name: "the codebook is damaged",
      harm: async () => await damage(await keyLike(/^codebooks/), 40),
      says: /codebook .*checksum/,
      mend: /new index/,
    },
    {
      name: "the codebook is missing",
      harm: async () => await books.store.delete([key(await keyLike(/^codebooks/))]),
      says: /codebook .*there is no object/,
      mend: /new index/,
    },
    {
      name: "the head of the inverted file is damaged",
      harm: async () => await damage(await keyLike(/^inverted\/[^.]+$/), -100),
      says: /inverted file .*checksum/,
      mend: /maxleaf optimize --index books/,
    },
    {
      name: "a part of the inverted file is missing",
      harm: async () => await books.store.delete([key(await keyLike(/^inverted\/[^.]+\.0$/))]),
      says: /inverted file .*there is no object/,
      mend: /maxleaf optimize/,
    },
    {
      name: "a list of the inverted file is damaged",
      harm: async () => await damage(await keyLike(/^inverted\/[^.]+\.0$/), 2),
      says: /inverted file .*checksum/,
      mend: /maxleaf optimize/,
      deep: true,
    },
    {
      name: "the terms of the inverted file are damaged",
      harm: async () => await damage(await keyLike(/lexical\.0$/), 2),
      says: /lexical index .*checksum/,
      mend: /maxleaf optimize/,
      deep: true,
    },
    {
      name: "a page image is missing",
      harm: async () => await books.store.delete([layout.pageImage(books.name, idOfA, "0123456789abcdef", 2)]),
      says: /images of pages/,
      mend: /ingest their files again/,
      documents: ["a"],
    },
    {
      name: "a source has another size",
      harm: async () => {
        await books.store.put(layout.source(books.name, idOfA, "0123456789abcdef"), new Uint8Array(5));
      },
      says: /the source/,
      mend: /ingest their files again/,
      documents: ["a"],
    },
    {
      name: "the newest manifest is no JSON",
      harm: async () => {
        await books.store.put(layout.manifest(books.name, 4), new TextEncoder().encode("{"));
      },
      says: /manifest 4 .*not JSON/,
      mend: /restore version 3/,
    },
    {
      name: "CURRENT leads to a gap",
      harm: async () => {
        await books.store.put(layout.current(books.name), new TextEncoder().encode("1"));
        await books.store.delete([layout.manifest(books.name, 2)]);
      },
      says: /CURRENT names version 1/,
      mend: /write the number 4/,
    },
  ];

  for (const { name, harm, says, mend, documents, deep = false } of cases) {
    it(`is found and named: ${name}`, async () => {
      await harm();
      if (deep) expect((await diagnose(false)).isWell).toBe(true);
      const { isWell, findings } = await diagnose(deep);
      expect(isWell).toBe(false);
      const finding = findings.find(({ problem }) => says.test(problem));
      expect(finding).toBeDefined();
      expect(finding?.severity).toBe("error");
      expect(finding?.mend).toMatch(mend);
      expect(finding?.meaning).not.toBe("");
      if (documents !== undefined) expect(finding?.documents).toEqual(documents);
    });
  }

  it("of older manifests and of CURRENT is a warning", async () => {
    await books.store.put(layout.manifest(books.name, 2), new Uint8Array(3));
    await books.store.delete([layout.current(books.name)]);
    const { isWell, findings } = await diagnose();
    expect(isWell).toBe(true);
    expect(findings.map(({ severity }) => severity)).toEqual(["warning", "warning"]);
  });

  it("of a segment: the documents that may have been in it are named by id", async () => {
    await books.store.delete([layout.segment(books.name, ids[0] ?? "")]);
    const { findings } = await diagnose();
    expect(findings.at(-1)?.documents).toEqual([`${idOfA}/0123456789abcdef`]);
  });

  it("that optimize mends is mended by it", async () => {
    await damage(await keyLike(/^inverted\/[^.]+\.0$/), 2);
    await buildInvertedFile({ store: books.store, index: books.name });
    expect((await diagnose(true)).findings).toEqual([]);
  });

  it("of a page whose document is deleted is none", async () => {
    const writer = await books.openWriter();
    const first = await addWithFiles(books, writer, "c", [10]);
    await addWithFiles(books, writer, "d", [10]);
    await writer.commit();
    const last = (await books.manifest()).segments.at(-1)?.id ?? "";
    await damage(`segments/${last}`, 20);
    expect((await diagnose(true)).findings[0]?.documents).toEqual(["c"]);
    await deleteDocument({ store: books.store, index: books.name }, first);
    expect((await books.manifest()).segments.at(-1)?.id).toBe(last);
    expect((await diagnose(true)).findings).toEqual([]);
  });

  it("that deleting and ingesting again mends is mended by it", async () => {
    await damage(`segments/${ids[0]}`, 20);
    await deleteDocument({ store: books.store, index: books.name }, idOfA);
    const writer = await books.openWriter();
    await addWithFiles(books, writer, "a", [20, 0, 10]);
    await writer.commit();
    expect((await diagnose(true)).findings).toEqual([]);
  });
});
