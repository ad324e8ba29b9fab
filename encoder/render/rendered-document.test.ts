import { kill } from "node:process";
import { describe, expect, it } from "vitest";
import { collect, textOf, textPdf } from "./fixtures.ts";
import { DEFAULT_BOUNDS } from "./limits.ts";
import type { ProcessLoan } from "./render-hand.ts";
import { RenderProcess } from "./render-process.ts";
import { RenderedDocument } from "./rendered-document.ts";

/** Lends a new process each time, and keeps account. */
class Ledger implements ProcessLoan {
  readonly taken: RenderProcess[] = [];
  readonly returned: RenderProcess[] = [];
  ended = 0;

  take(): RenderProcess {
    const process = new RenderProcess(DEFAULT_BOUNDS.heapMb);
    this.taken.push(process);
    return process;
  }

  giveBack(process: RenderProcess): void {
    this.returned.push(process);
  }

  end(): void {
    this.ended++;
    for (const process of this.taken) process.kill();
  }

  /** Ends the newest process as the kernel would: without a word. */
  killNewest(): void {
    const pid = this.taken.at(-1)?.pid;
    if (pid === undefined) throw new Error("no process was taken");
    kill(pid, "SIGKILL");
  }
}

async function openThree(ledger: Ledger): Promise<RenderedDocument> {
  const bytes = await textPdf(["one", "two", "three"]);
  return RenderedDocument.open({ name: "a.pdf", bytes }, DEFAULT_BOUNDS, ledger);
}

describe("a document whose process dies", () => {
  it("goes on in a new process; the page under way keeps its words and says why it has no picture", async () => {
    const ledger = new Ledger();
    const document = await openThree(ledger);
    ledger.killNewest();
    const pages = await collect(document);
    expect(pages.map(textOf)).toEqual(["one", "two", "three"]);
    expect(pages.map((page) => page.problem?.code)).toEqual(["file_unreadable", undefined, undefined]);
    expect(pages[0]?.problem?.reason).toMatch(/^page 1: /);
    expect(pages[0]?.width).toBe(pages[1]?.width);
    expect(ledger.taken).toHaveLength(2);
    expect(ledger.returned).toEqual(ledger.taken);
    expect(ledger.ended).toBe(1);
  });

  it("is given up when its processes die again and again, and gives all of them back", async () => {
    const ledger = new Ledger();
    const document = await openThree(ledger);
    const take = ledger.take.bind(ledger);
    ledger.take = () => {
      const process = take();
      ledger.killNewest();
      return process;
    };
    ledger.killNewest();
    await expect(collect(document)).rejects.toMatchObject({
      code: "file_unreadable",
      message: expect.stringContaining('"a.pdf"'),
    });
    expect(ledger.returned).toEqual(ledger.taken);
    expect(ledger.ended).toBe(1);
  });
});

describe("RenderProcess", () => {
  it("answers a request after its end instead of waiting for ever", async () => {
    const process = new RenderProcess(DEFAULT_BOUNDS.heapMb);
    process.kill();
    expect(process.alive).toBe(false);
    expect(await process.request({ type: "close" }, 60_000)).toMatchObject({ type: "crashed" });
  });

  it("ends when it does not answer in time", async () => {
    const process = new RenderProcess(DEFAULT_BOUNDS.heapMb);
    expect(await process.request({ type: "close" }, 0)).toEqual({ type: "timeout", timeoutMs: 0 });
    expect(process.alive).toBe(false);
  });
});
