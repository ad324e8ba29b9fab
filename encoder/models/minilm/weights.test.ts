import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { readWeights, WEIGHTS_FOLDER, weightsFiles } from "./weights.ts";

let folder: URL;

beforeEach(async () => {
  const path = await mkdtemp(join(tmpdir(), "maxleaf-weights-"));
  folder = pathToFileURL(`${path}/`);
  await cp(new URL(weightsFiles.projection.name, WEIGHTS_FOLDER), new URL(weightsFiles.projection.name, folder));
});
afterEach(() => rm(folder, { recursive: true }));

const projection = () => new URL(weightsFiles.projection.name, folder);

describe("readWeights", () => {
  it.each(Object.values(weightsFiles))("finds $name as it must be", async (file) => {
    expect((await readWeights(file)).byteLength).toBe(file.byteLength);
  });

  it("names a file that is not there", async () => {
    await rm(projection());
    await expect(readWeights(weightsFiles.projection, folder)).rejects.toMatchObject({
      code: "model_unavailable",
      message: "the weights file projection.bin cannot be read",
    });
  });

  it("names a truncated file and both lengths", async () => {
    const bytes = await readFile(projection());
    await writeFile(projection(), bytes.subarray(0, 1000));
    await expect(readWeights(weightsFiles.projection, folder)).rejects.toThrow(
      "projection.bin has 1000 bytes instead of",
    );
  });

  it("notices one flipped bit", async () => {
    const bytes = await readFile(projection());
    bytes.writeUInt8(bytes.readUInt8(5000) ^ 1, 5000);
    await writeFile(projection(), bytes);
    await expect(readWeights(weightsFiles.projection, folder)).rejects.toThrow("projection.bin has SHA-256");
  });
});

describe("the record of the projection", () => {
  it("belongs to the projection and to the graph", async () => {
    const record = z
      .object({ sha256: z.string(), graph: z.string() })
      .parse(JSON.parse(await readFile(new URL("projection.json", WEIGHTS_FOLDER), "utf8")));
    expect(record).toEqual({ sha256: weightsFiles.projection.sha256, graph: weightsFiles.graph.sha256 });
  });
});
