import { afterAll, describe, expect, it, vi } from "vitest";
import { collect, rawPdf, renderAll, textOf, textPdf } from "./fixtures.ts";
import { RenderPool, renderDocument } from "./render-pool.ts";
import { RenderProcess } from "./render-process.ts";

const pool = new RenderPool({ processes: 2 });
afterAll(() => pool.close());

const open = async (bytes: Uint8Array) => renderAll(pool, "a.pdf", bytes);

describe("a file that cannot be read", () => {
  it("because it is empty", async () => {
    await expect(open(new Uint8Array())).rejects.toMatchObject({
      code: "file_empty",
      message: expect.stringContaining('"a.pdf"'),
    });
  });

  it("because it is locked with a password", async () => {
    const locked = await textPdf(["secret"], { userPassword: "open sesame" });
    await expect(open(locked)).rejects.toMatchObject({ code: "file_encrypted" });
  });

  it("because it is no PDF behind its header", async () => {
    await expect(open(Buffer.from("%PDF-1.7\nnothing of the kind"))).rejects.toMatchObject({
      code: "file_unreadable",
      message: expect.stringContaining("damaged PDF"),
    });
  });

  it("because it has no pages", async () => {
    const none = rawPdf(["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [] /Count 0 >>"]);
    await expect(open(none)).rejects.toMatchObject({
      code: "file_empty",
      message: expect.stringContaining("no pages"),
    });
  });

  it("does not keep the next file from being read", async () => {
    const single = new RenderPool({ processes: 1 });
    await expect(renderAll(single, "a.pdf", Buffer.from("%PDF-1.7 broken"))).rejects.toMatchObject({
      code: "file_unreadable",
    });
    const [page] = await renderAll(single, "b.pdf", await textPdf(["fine"]));
    expect(textOf(page)).toBe("fine");
    single.close();
  });
});

describe("a file that can be read although it is not as it should be", () => {
  it("opens when only changing it needs a password", async () => {
    const [page] = await open(await textPdf(["public"], { ownerPassword: "owner", permissions: { modifying: false } }));
    expect(textOf(page)).toBe("public");
  });

  it("opens when its end is missing, as far as pdfjs can mend it", async () => {
    const whole = await textPdf(["mended"]);
    const [page] = await open(whole.subarray(0, whole.length - 60));
    expect(textOf(page)).toBe("mended");
  });
});

describe("RenderPool", () => {
  it("gives the pages in order, with how many there are", async () => {
    const document = await pool.open({ name: "a.pdf", bytes: await textPdf(["one", "two", "three"]) });
    expect(document).toMatchObject({ pageCount: 3, contentType: "application/pdf" });
    const seen: string[] = [];
    for await (const page of document) seen.push(`${page.pageNumber} ${textOf(page)}`);
    expect(seen).toEqual(["1 one", "2 two", "3 three"]);
  });

  it("lends its processes on: more documents at once than processes", async () => {
    const names = ["a", "b", "c", "d", "e", "f"];
    const texts = await Promise.all(names.map(async (name) => textOf((await open(await textPdf([name])))[0])));
    expect(texts).toEqual(names);
  });

  it("takes a process back when a reader leaves early", async () => {
    const single = new RenderPool({ processes: 1 });
    const bytes = await textPdf(["one", "two", "three"]);
    for await (const page of await single.open({ name: "a.pdf", bytes })) {
      expect(page.pageNumber).toBe(1);
      break;
    }
    expect(await renderAll(single, "a.pdf", bytes)).toHaveLength(3);
    single.close();
  });

  it("takes a process back when a document is closed unread, and closing twice does no harm", async () => {
    const single = new RenderPool({ processes: 1 });
    const bytes = await textPdf(["one"]);
    const document = await single.open({ name: "a.pdf", bytes });
    await document.close();
    await document.close();
    expect(await renderAll(single, "a.pdf", bytes)).toHaveLength(1);
    single.close();
  });

  it("ends what is being rendered when it is closed", async () => {
    const closing = new RenderPool({ processes: 1 });
    const document = await closing.open({ name: "a.pdf", bytes: await textPdf(["one", "two"]) });
    const waiting = closing.open({ name: "b.pdf", bytes: await textPdf(["one"]) });
    closing.close();
    await expect(collect(document)).rejects.toMatchObject({ code: "internal" });
    await expect(waiting).rejects.toMatchObject({ code: "internal", message: expect.stringContaining("closed") });
  });

  it("gives a document up when no page of it gets done in time", async () => {
    await using hasty = new RenderPool({ processes: 1, bounds: { pageTimeoutMs: 1 } });
    await expect(renderAll(hasty, "slow.pdf", await textPdf(Array.from({ length: 9 }, String)))).rejects.toMatchObject({
      code: "render_timeout",
      message: expect.stringContaining('"slow.pdf" was given up'),
    });
  });

  it("gives up a document that does not open in time", async () => {
    await using hasty = new RenderPool({ processes: 1, bounds: { openTimeoutMs: 1 } });
    await expect(renderAll(hasty, "slow.pdf", await textPdf(["one"]))).rejects.toMatchObject({
      code: "render_timeout",
      message: expect.stringContaining("was not open after"),
    });
  });
});

describe("a long document", () => {
  const texts = Array.from({ length: 36 }, (_, at) => `p${at + 1}`);

  it("gets the processes that nobody else needs, and every page once", async () => {
    const shared = new RenderPool({ processes: 3 });
    const times: number[] = [];
    const document = await shared.open(
      { name: "a.pdf", bytes: await textPdf(texts) },
      { onRendered: (renderMs) => times.push(renderMs) },
    );
    const pages = await collect(document);
    expect(pages.toSorted((a, b) => a.pageNumber - b.pageNumber).map(textOf)).toEqual(texts);
    expect(times).toHaveLength(texts.length);
    // All three are free again.
    const bytes = await textPdf(["one"]);
    const others = await Promise.all(["b", "c", "d"].map((name) => shared.open({ name, bytes })));
    await Promise.all(others.map((other) => other.close()));
    shared.close();
  });

  it("gives them back when another document waits", async () => {
    const shared = new RenderPool({ processes: 2 });
    const order: string[] = [];
    const long = async () => {
      for await (const page of await shared.open({ name: "a.pdf", bytes: await textPdf(texts) })) {
        order.push(`long ${page.pageNumber}`);
        // Both processes are at work on it by then.
        if (order.length === 6) others.push(short());
      }
    };
    const short = async () => {
      for (const page of await renderAll(shared, "b.pdf", await textPdf(["one"]))) order.push(`short ${textOf(page)}`);
    };
    const others: Promise<void>[] = [];
    await long();
    await Promise.all(others);
    expect(order).toHaveLength(texts.length + 1);
    expect(order.indexOf("short one")).toBeLessThan(texts.length);
    shared.close();
  });
});

describe("a pool whose memory is needed", () => {
  it("has one process for each document and none that stands idle, until it is needed no more", async () => {
    const request = vi.spyOn(RenderProcess.prototype, "request");
    const asked = () =>
      request.mock.contexts.map((context) => (context instanceof RenderProcess ? context : undefined));
    const living = (processes: readonly (RenderProcess | undefined)[]) =>
      new Set(processes.filter((process) => process?.alive === true)).size;
    const rendering = () => living(asked().filter((_, at) => request.mock.calls[at]?.[0].type === "render"));
    const alive = () => living(asked());
    const shared = new RenderPool({ processes: 3 });
    const texts = Array.from({ length: 300 }, (_, at) => `p${at + 1}`);
    let phase: "shared" | "alone" | "shared again" = "shared";
    const seen: string[] = [];
    for await (const page of await shared.open({ name: "a.pdf", bytes: await textPdf(texts) })) {
      seen.push(textOf(page));
      if (phase === "shared again" && rendering() === 3) break;
      if (phase === "shared" && rendering() === 3) {
        shared.limitProcesses(0);
        phase = "alone";
      } else if (phase === "alone" && alive() === 1) {
        shared.limitProcesses(1);
        phase = "shared again";
      }
    }
    expect(phase).toBe("shared again");
    expect(seen.length).toBeLessThan(texts.length);
    expect(new Set(seen).size).toBe(seen.length);
    const bytes = await textPdf(["one"]);
    const others = await Promise.all(["b", "c"].map(async (name) => await shared.open({ name, bytes })));
    await Promise.all(others.map(async (other) => await other.close()));
    expect(alive()).toBeGreaterThan(1);
    shared.limitProcesses(0.5);
    expect(alive()).toBe(1);
    shared.limitProcesses(0);
    expect(alive()).toBe(0);
    shared.close();
    request.mockRestore();
  });

  it("hands its processes from one document on to the next that waits", async () => {
    const request = vi.spyOn(RenderProcess.prototype, "request");
    const shared = new RenderPool({ processes: 2 });
    shared.limitProcesses(0);
    const bytes = await textPdf(["one"]);
    await Promise.all(["a", "b", "c", "d", "e", "f"].map(async (name) => await renderAll(shared, name, bytes)));
    expect(new Set(request.mock.contexts).size).toBe(2);
    shared.close();
    request.mockRestore();
  });
});

describe("renderDocument", () => {
  it("renders one document with a process of its own", async () => {
    const pages = await collect(renderDocument({ name: "a.pdf", bytes: await textPdf(["one", "two"]) }));
    expect(pages.map(textOf)).toEqual(["one", "two"]);
  });
});
