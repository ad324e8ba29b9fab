import { describe, expect, it } from "vitest";
import { quantizePage } from "./page-vectors.ts";
import { SpoolRotation } from "./spool-rotation.ts";
import { encodedPage, topicVectors } from "./testing.ts";

const page = quantizePage(encodedPage(topicVectors({ count: 3, dim: 16, topics: 3, spread: 1, seed: 1 }), 1), 16);

describe("SpoolRotation", () => {
  it("gives documents of one commit the same spool, and those after it another", async () => {
    const rotation = new SpoolRotation(undefined);
    const [first, second] = await Promise.all([rotation.hold(), rotation.hold()]);
    expect(second.spool).toBe(first.spool);
    await rotation.rotate();
    expect((await rotation.hold()).spool).not.toBe(first.spool);
    await rotation.close();
  });

  it("keeps a spool until its last document is released, and no longer", async () => {
    const rotation = new SpoolRotation(undefined);
    const [first, second] = [await rotation.hold(), await rotation.hold()];
    const place = await first.spool.append(page);
    await rotation.rotate();
    await first.release();
    expect(await second.spool.read(place)).toEqual(page);
    await second.release();
    await expect(second.spool.read(place)).rejects.toThrow("closed");
    await rotation.close();
  });

  it("keeps the current spool when its documents are gone", async () => {
    const rotation = new SpoolRotation(undefined);
    const first = await rotation.hold();
    const place = await first.spool.append(page);
    await first.release();
    const second = await rotation.hold();
    expect(await second.spool.read(place)).toEqual(page);
    await second.release();
    await rotation.rotate();
    await expect(second.spool.read(place)).rejects.toThrow("closed");
    await rotation.close();
  });

  it("closes everything at the end", async () => {
    const rotation = new SpoolRotation(undefined);
    const old = await rotation.hold();
    const place = await old.spool.append(page);
    await rotation.rotate();
    await rotation.hold();
    await rotation.close();
    await expect(old.spool.read(place)).rejects.toThrow("closed");
  });
});
