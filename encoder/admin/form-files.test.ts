import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { saveForm } from "./form-files.ts";

const BOUNDARY = "a-boundary";
const TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-form-"));
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

interface Part {
  name: string;
  bytes: Uint8Array;
}

/** As RFC 7578 has it. */
function encodeForm(parts: readonly Part[]): Buffer {
  const chunks = parts.flatMap(({ name, bytes }) => [
    Buffer.from(`--${BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="${name}"\r\n\r\n`),
    bytes,
    Buffer.from("\r\n"),
  ]);
  return Buffer.concat([...chunks, Buffer.from(`--${BOUNDARY}--\r\n`)]);
}

/** `bytes` in pieces of `size`. */
function* piecesOf(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function save(bytes: Buffer, pieceSize: number): Promise<Part[]> {
  const { files } = await saveForm(Readable.from(piecesOf(bytes, pieceSize)), TYPE, folder);
  return await Promise.all(
    files.map(async ({ name, path }) => ({ name, bytes: new Uint8Array(await readFile(path)) })),
  );
}

/** Content that begins like the end of a part, among others; the whole boundary is in none, or it would be another one. */
const content = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.constantFrom(`\r\n--${BOUNDARY.slice(0, -1)}`, "\r\n\r\n", "\r\n--", "").map((text) => Buffer.from(text)),
);
const parts = fc.array(
  fc.record({
    name: fc.stringMatching(/^[a-zäöü0-9 ._/-]{1,20}$/),
    bytes: content.map((bytes) => new Uint8Array(bytes)),
  }),
  { minLength: 1, maxLength: 4 },
);

it("gives back the files of any form, however it comes in pieces", async () => {
  await fc.assert(
    fc.asyncProperty(parts, fc.integer({ min: 1, max: 200 }), async (sent, pieceSize) => {
      expect(await save(encodeForm(sent), pieceSize)).toEqual(sent);
    }),
    { numRuns: 300 },
  );
});

it("takes no form that breaks off for a whole one", async () => {
  await fc.assert(
    fc.asyncProperty(parts, fc.nat(), fc.integer({ min: 1, max: 200 }), async (sent, cut, pieceSize) => {
      const whole = encodeForm(sent);
      // Without its last `--` and line break it is not over.
      const part = whole.subarray(0, cut % (whole.length - 3));
      await expect(save(part, pieceSize)).rejects.toMatchObject({ code: "invalid_request" });
    }),
    { numRuns: 300 },
  );
});

it.each([1, 300_000])("says what the disk said, of %i bytes, and not that the form is wrong", async (bytes) => {
  const form = encodeForm([
    { name: "a.pdf", bytes: new Uint8Array(bytes) },
    { name: "b.pdf", bytes: new Uint8Array(bytes) },
  ]);
  const saving = saveForm(Readable.from(piecesOf(form, 65_536)), TYPE, join(folder, "not-there"));
  await expect(saving).rejects.toMatchObject({ code: "ENOENT" });
});
