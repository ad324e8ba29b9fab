import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NpyMatrix, npyHeader, parseNpyHeader, parseNpyIntegers } from "./npy.ts";

let folder = "";
beforeEach(async () => void (folder = await mkdtemp(path.join(tmpdir(), "npy-"))));
afterEach(async () => await rm(folder, { recursive: true }));

test("a header is aligned, and read back", () => {
  for (const shape of [[3], [5, 128], [1_000_000, 48]]) {
    const header = npyHeader("<f4", shape);
    expect(header.byteLength % 64).toBe(0);
    expect(header.at(-1)).toBe("\n".charCodeAt(0));
    expect(parseNpyHeader(header, "header")).toEqual({ type: "<f4", shape, dataOffset: header.byteLength });
  }
});

test("rows of a matrix are read where they lie", async () => {
  const file = path.join(folder, "docs.npy");
  const values = Float32Array.from({ length: 20 }, (_, i) => i / 3);
  await writeFile(file, Buffer.concat([npyHeader("<f4", [5, 4]), new Uint8Array(values.buffer)]));
  const matrix = await NpyMatrix.open(file);
  expect([matrix.rows, matrix.columns]).toEqual([5, 4]);
  expect(await matrix.read(1, 3)).toEqual(values.slice(4, 16));
  await expect(matrix.read(4, 2)).rejects.toThrow("ends before row 6");
  await matrix.close();
});

test("integers are read; other files are refused", async () => {
  const file = path.join(folder, "lens.npy");
  const lens = BigInt64Array.from([7n, 0n, 1998n]);
  await writeFile(file, Buffer.concat([npyHeader("<i8", [3]), new Uint8Array(lens.buffer)]));
  expect(parseNpyIntegers(await readFile(file), file)).toEqual([7, 0, 1998]);
  await expect(NpyMatrix.open(file)).rejects.toThrow("no matrix of float32 but <i8");
  expect(() => parseNpyHeader(Buffer.from("not an array"), "x")).toThrow("no NumPy file");
});
