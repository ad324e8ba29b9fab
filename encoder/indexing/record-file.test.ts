import { mkdtemp, readdir, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { EncodedPage } from "../../shared/page.ts";
import { RecordFile } from "./record-file.ts";
import { encodedPage, topicVectors } from "./testing.ts";

let folder: string;
const open: RecordFile<EncodedPage>[] = [];
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "maxleaf-test-"));
});
afterEach(async () => {
  await Promise.all(open.splice(0).map(async (file) => await file.close()));
  await rm(folder, { recursive: true });
});

function track(file: RecordFile<EncodedPage>): RecordFile<EncodedPage> {
  open.push(file);
  return file;
}

const pages = Array.from({ length: 20 }, (_, count) =>
  encodedPage(topicVectors({ count, dim: 16, topics: 5, spread: 1, seed: count }), count + 1),
);

describe("RecordFile", () => {
  it("gives back what was put in, written at once and read in any order", async () => {
    const file = track(await RecordFile.createTemporary<EncodedPage>(folder));
    const places = await Promise.all(pages.map(async (page) => await file.append(page)));
    const restored = await Promise.all(places.toReversed().map(async (place) => await file.read(place)));
    expect(restored.toReversed()).toEqual(pages);
  });

  it("leaves nothing in the folder of a temporary file, even while it is open", async () => {
    const file = track(await RecordFile.createTemporary<EncodedPage>(folder));
    for (const page of pages) await file.append(page);
    expect(await readdir(folder)).toEqual([]);
  });

  it("keeps a named file for the next process", async () => {
    const name = path.join(folder, "pages");
    const written = await RecordFile.create<EncodedPage>(name);
    const places = [];
    for (const page of pages) places.push(await written.append(page));
    await written.close();
    const file = track(await RecordFile.open<EncodedPage>(name));
    expect(await Promise.all(places.map(async (place) => await file.read(place)))).toEqual(pages);
  });

  it("says so when a record is not there", async () => {
    const name = path.join(folder, "pages");
    const file = track(await RecordFile.create<EncodedPage>(name));
    const place = await file.append(encodedPage(topicVectors({ count: 3, dim: 16, topics: 3, spread: 1, seed: 1 }), 1));
    await expect(file.read({ ...place, offset: 1 })).rejects.toThrow(`a record should end at byte ${place.length + 1}`);
    await truncate(name, 10);
    await expect(file.read(place)).rejects.toThrow("the file of records was cut at byte 10");
  });
});
