import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HIDDEN_DIM, loadTrunk, Trunk } from "./trunk.ts";

const HELLO_WORLD = [7592, 2088];

describe("Trunk", () => {
  let trunk: Trunk;

  beforeAll(async () => {
    trunk = await loadTrunk({ threads: 1 });
  });
  afterAll(() => trunk.dispose());

  it("gives a hidden state for every token and both specials", async () => {
    const hidden = await trunk.run(HELLO_WORLD);
    expect(hidden).toHaveLength(4 * HIDDEN_DIM);
    expect(hidden.every(Number.isFinite)).toBe(true);
  });

  it("gives the same numbers again, whatever runs besides and with however many threads", async () => {
    const other = await loadTrunk({ threads: 2 });
    const alone = await trunk.run(HELLO_WORLD);
    const [, again] = await Promise.all([trunk.run([2054, 2003]), trunk.run(HELLO_WORLD), trunk.run([1037])]);
    expect(again).toEqual(alone);
    expect(await other.run(HELLO_WORLD)).toEqual(alone);
    await other.dispose();
  });

  it("leaves the main thread free while it computes", async () => {
    let turns = 0;
    let running = true;
    const count = () => {
      turns++;
      if (running) setImmediate(count);
    };
    setImmediate(count);
    await trunk.run(Array.from({ length: 510 }, () => 2088));
    running = false;
    // A synchronous run would let a handful of turns pass.
    expect(turns).toBeGreaterThan(100);
  });

  it("lets questions overtake pages that wait", async () => {
    const order: string[] = [];
    await Promise.all([
      trunk.run(HELLO_WORLD).then(() => order.push("first page")),
      trunk.run(HELLO_WORLD).then(() => order.push("second page")),
      trunk.run(HELLO_WORLD, "query").then(() => order.push("question")),
    ]);
    expect(order).toEqual(["first page", "question", "second page"]);
  });

  it("says what the runtime says about a window that the graph cannot take, and goes on", async () => {
    // 513 tokens; the graph has 512 positions.
    await expect(trunk.run(Array.from({ length: 511 }, () => 2088))).rejects.toMatchObject({
      code: "model_unavailable",
    });
    expect(await trunk.run(HELLO_WORLD)).toHaveLength(4 * HIDDEN_DIM);
  });
});

describe("opening and closing", () => {
  it("refuses bytes that are no graph", async () => {
    await expect(Trunk.open(Uint8Array.of(1, 2, 3))).rejects.toMatchObject({
      code: "model_unavailable",
      message: expect.stringContaining("ONNX Runtime cannot open the graph of all-MiniLM-L6-v2"),
    });
  });

  it("ends what is under way, then refuses more", async () => {
    const trunk = await loadTrunk();
    const underWay = trunk.run(HELLO_WORLD);
    await trunk.dispose();
    expect(await underWay).toHaveLength(4 * HIDDEN_DIM);
    await expect(trunk.run(HELLO_WORLD)).rejects.toMatchObject({ code: "model_unavailable" });
    await trunk.dispose();
  });
});
