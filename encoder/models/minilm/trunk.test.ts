import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { GraphThread } from "../../backends/onnx/graph-thread.ts";
import { HIDDEN_DIM, loadTrunk, MAX_SESSIONS, Trunk } from "./trunk.ts";

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

describe("sessions", () => {
  const open = vi.spyOn(GraphThread, "open");
  let trunk: Trunk | undefined;

  afterEach(async () => {
    await trunk?.dispose();
    open.mockClear();
  });

  it("are opened when windows come together, up to the number of threads", async () => {
    trunk = await loadTrunk({ threads: 2 });
    await trunk.run(HELLO_WORLD, "query");
    await trunk.run(HELLO_WORLD, "query");
    expect(open).toHaveBeenCalledTimes(1);
    const [first, ...others] = await Promise.all(Array.from({ length: 6 }, async () => await trunk?.run(HELLO_WORLD)));
    expect(open).toHaveBeenCalledTimes(2);
    for (const other of others) expect(other).toEqual(first);
  });

  it("share the threads beyond the limit of sessions", async () => {
    trunk = await loadTrunk({ threads: 2 * MAX_SESSIONS + 1 });
    expect(open.mock.calls[0]?.[0].options.threads).toBe(2);
  });

  it("let a question overtake the pages that wait for all of them", async () => {
    trunk = await loadTrunk({ threads: 2 });
    const order: string[] = [];
    const run = async (name: string, kind: "page" | "query") => {
      await trunk?.run(HELLO_WORLD, kind);
      order.push(name);
    };
    const pages = ["1", "2", "3", "4", "5", "6"].map((name) => run(name, "page"));
    await Promise.all([...pages, run("question", "query")]);
    // Pages 1 and 2 have a session each, or will; one of them opens its own, and may end after the question and another page.
    expect(order.indexOf("question")).toBeLessThan(order.indexOf("4"));
  });

  it("are freed while nothing is asked, and opened again", async () => {
    trunk = await loadTrunk({ threads: 2 });
    const before = await Promise.all([trunk.run(HELLO_WORLD), trunk.run(HELLO_WORLD)]);
    const opened = open.mock.results.map((result) => (result.type === "return" ? result.value : undefined));
    await trunk.rest();
    expect(opened).toHaveLength(2);
    for (const thread of opened) expect((await thread)?.thread.ended).toBe(true);
    expect(await trunk.run(HELLO_WORLD)).toEqual(before[0]);
    expect(open).toHaveBeenCalledTimes(3);
    const underWay = trunk.run(HELLO_WORLD);
    await trunk.rest();
    expect(await underWay).toEqual(before[0]);
  });

  it("are one while another job needs the room, and two again after it", async () => {
    trunk = await loadTrunk({ threads: 2 });
    const run = async (windows: number) =>
      await Promise.all(Array.from({ length: windows }, async () => await trunk?.run(HELLO_WORLD)));
    const ended = async () => {
      const opened = open.mock.results.flatMap((result) => (result.type === "return" ? [result.value] : []));
      return (await Promise.all(opened)).filter(({ thread }) => thread.ended).length;
    };
    const before = await run(2);
    expect(await ended()).toBe(0);
    await trunk.makeRoom(true);
    expect(await ended()).toBe(1);
    expect(await run(3)).toEqual([...before, before[0]]);
    expect(open).toHaveBeenCalledTimes(2);

    await trunk.makeRoom(false);
    const underWay = run(4);
    await vi.waitFor(() => expect(open).toHaveBeenCalledTimes(3));
    await trunk.makeRoom(true);
    expect(await underWay).toEqual([...before, ...before]);
    expect(await ended()).toBe(2);
  });

  it("are replaced when their thread has ended", async () => {
    trunk = await loadTrunk({ threads: 1 });
    const opened = open.mock.results[0];
    if (opened?.type !== "return") throw new Error("no thread was opened");
    await (await opened.value).thread.dispose();
    expect(await trunk.run(HELLO_WORLD)).toHaveLength(4 * HIDDEN_DIM);
    expect(open).toHaveBeenCalledTimes(2);
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
