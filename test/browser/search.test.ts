/**
 * A person's way through the real thing: `maxleaf start`, a question about the samples, the page that answers it.
 */
import { kill } from "node:process";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { EXAMPLE_QUESTIONS } from "../../edge/ui/client/examples.ts";
import { hasChromium, launchChromium, openPage, saveScreenshot } from "./support/browser.ts";
import { heatAlphas } from "./support/canvas.ts";
import { readSampleQuestions, startStack } from "../support/stack.ts";
import type { SampleQuestion, Stack } from "../support/stack.ts";

/** Sub-pixel rounding of two bounding boxes. */
const TOLERANCE_PX = 1;

/** The edge waits 8 s for the encoder (edge/query/encoder-client.ts), longer on a loaded machine. */
const ENCODER_GIVES_UP_MS = 30_000;

/** Whether every box of `inner` lies within the one of `outer`, and is no mere point. */
async function allInside(inner: Locator, outer: Locator): Promise<boolean> {
  const frame = await outer.boundingBox();
  const boxes = await Promise.all((await inner.all()).map((box) => box.boundingBox()));
  if (frame === null || boxes.length === 0) return false;
  return boxes.every(
    (box) =>
      box !== null &&
      box.width > 1 &&
      box.height > 1 &&
      box.x >= frame.x - TOLERANCE_PX &&
      box.y >= frame.y - TOLERANCE_PX &&
      box.x + box.width <= frame.x + frame.width + TOLERANCE_PX &&
      box.y + box.height <= frame.y + frame.height + TOLERANCE_PX,
  );
}

describe.runIf(hasChromium())("searching the samples in a browser", () => {
  let stack: Stack | undefined;
  let browser: Browser | undefined;
  let questions: SampleQuestion[] = [];
  let page: Page;
  let faults: string[];
  let foreignRequests: string[];

  async function open(options: BrowserContextOptions = {}): Promise<void> {
    if (browser === undefined || stack === undefined) throw new Error("the stack is not running");
    const { url } = stack;
    ({ page, faults } = await openPage(browser, options));
    foreignRequests = [];
    page.on("request", (request) => {
      if (!request.url().startsWith(url) && !request.url().startsWith("data:")) foreignRequests.push(request.url());
    });
    await page.goto(url);
    await page.waitForSelector(".start");
  }

  async function ask(question: string): Promise<void> {
    await page.fill("#query", question);
    await page.press("#query", "Enter");
    await page.waitForSelector("#results:not([aria-busy]) a.card");
  }

  function example(): SampleQuestion {
    const found = questions.find(({ question }) => question === EXAMPLE_QUESTIONS[0]);
    if (found === undefined) throw new Error("the first example is none of the samples' questions");
    return found;
  }

  beforeAll(async () => {
    questions = await readSampleQuestions();
    [stack, browser] = await Promise.all([startStack(), launchChromium()]);
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.stop();
  });
  beforeEach(async () => open());
  afterEach(async () => {
    await page.context().close();
  });

  it("offers example questions, and every one of them leads to its page", async () => {
    expect(EXAMPLE_QUESTIONS.length).toBeGreaterThanOrEqual(4);
    await saveScreenshot(page, "real-start");
    const misses: string[] = [];
    for (const text of EXAMPLE_QUESTIONS) {
      const gold = questions.find(({ question }) => question === text);
      await page.goto(stack?.url ?? "");
      await page.getByRole("button", { name: text }).click();
      const first = page.locator("a.card").first();
      const name = await first.locator(".card-name").textContent();
      const pageNumber = Number(await first.getAttribute("data-page"));
      if (gold?.pdf !== name || !gold.pages.includes(pageNumber)) misses.push(`${text} → ${name}, page ${pageNumber}`);
    }
    expect(misses).toEqual([]);
  });

  it("shows ranked pages as pictures with the matching words marked, and what it cost", async () => {
    await ask(example().question);
    const thumbnails = page.locator(".thumbnail img");
    expect(await thumbnails.count()).toBeGreaterThan(3);
    for (const image of await thumbnails.all()) {
      await image.scrollIntoViewIfNeeded();
      await expect
        .poll(() => image.evaluate(({ naturalWidth }: { naturalWidth: number }) => naturalWidth))
        .toBeGreaterThan(0);
    }
    const first = page.locator("a.card").first();
    expect(await allInside(first.locator(".highlight"), first.locator(".thumbnail"))).toBe(true);
    expect(await first.locator("mark").count()).toBeGreaterThan(0);
    const scores = (await page.locator(".score-number").allTextContents()).map((text) =>
      Number(text.replace("Score", "")),
    );
    expect(scores).toEqual(scores.toSorted((left, right) => right - left));
    expect(await page.textContent("#status")).toMatch(
      /result.*search .*ms.*encode (cached|.* m?s).*pages searched.*candidates.*read/,
    );
    await page.click(".timing-details summary");
    expect(await page.textContent(".figures")).toContain("minilm-words");
    await page.evaluate("scrollTo(0, 0)");
    await saveScreenshot(page, "real-results");
    expect(faults).toEqual([]);
    expect(foreignRequests).toEqual([]);
  });

  it("ranks by what is picked, under an address of its own", async () => {
    await ask(example().question);
    const names = (await page.locator("#mode option").allTextContents()).join(", ");
    expect(names).toBe("what suits the index, vectors, words, vectors and words");
    await page.selectOption("#mode", "lexical");
    await expect.poll(() => page.url()).toContain("mode=lexical");
    await page.waitForSelector("#results:not([aria-busy]) a.card");
    await page.click(".timing-details summary");
    expect(await page.textContent(".figures")).toMatch(/Ranked bywords.*Words looked up\d/);
    await page.goBack();
    await expect.poll(() => page.inputValue("#mode")).toBe("");
    expect(faults).toEqual([]);
  });

  it("lights up the question's words where words rank", async () => {
    await ask(example().question);
    await page.selectOption("#mode", "lexical");
    await expect.poll(() => page.url()).toContain("mode=lexical");
    await page.waitForSelector("#results:not([aria-busy]) a.card");
    await page.locator("a.card").first().click();
    await page.waitForSelector(".token[data-token]");
    const words = (await page.locator(".token[data-token] .token-text").allTextContents()).join(" ");
    expect(words).toBe(example().question);
    expect(Math.max(...(await heatAlphas(page, 200, 200)))).toBeGreaterThan(200);
    expect(faults).toEqual([]);
  });

  it("lights up the page that answers, token by token", async () => {
    await ask(example().question);
    await page.locator("a.card").first().click();
    await page.waitForSelector(".token[data-token]");
    const image = page.locator(".sheet img");
    await expect
      .poll(() => image.evaluate(({ naturalWidth }: { naturalWidth: number }) => naturalWidth))
      .toBeGreaterThan(1_000);
    const outlines = page.locator(".outline");
    expect(await outlines.count()).toBeGreaterThan(2);
    expect(await allInside(outlines, image)).toBe(true);
    await saveScreenshot(page, "real-viewer");

    const all = await heatAlphas(page, 200, 200);
    expect(Math.max(...all)).toBeGreaterThan(200);
    const allOutlines = await outlines.count();
    await page.locator(".token[data-token]").first().click();
    const one = await heatAlphas(page, 200, 200);
    expect(one).not.toEqual(all);
    expect(one.every((alpha, cell) => alpha <= (all[cell] ?? 0))).toBe(true);
    expect(await outlines.count()).toBe(1);
    await saveScreenshot(page, "real-viewer-token");

    await page.getByRole("button", { name: "All words" }).click();
    expect(await heatAlphas(page, 200, 200)).toEqual(all);
    expect(await outlines.count()).toBe(allOutlines);
    await page.uncheck(".show-outlines");
    expect(await outlines.count()).toBe(0);
    expect(faults).toEqual([]);
  });

  it("can be used by keyboard alone, and its address can be shared", async () => {
    await page.keyboard.type(example().question);
    await page.keyboard.press("Enter");
    await page.waitForSelector("a.card");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog[open] .token");
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => page.textContent(".viewer-position")).toMatch(/^2 \//);
    const heading = await page.textContent(".viewer-page");
    const shared = page.url();
    await page.keyboard.press("Escape");
    await expect.poll(() => page.locator("dialog[open]").count()).toBe(0);
    // Closing goes back in the history, which takes effect later: it must not end the visit that follows.
    await expect.poll(() => page.url()).not.toBe(shared);

    await page.goto(shared);
    await page.waitForSelector("dialog[open] .token");
    expect(await page.textContent(".viewer-page")).toBe(heading);
  });

  it("fits a screen of 360 pixels", async () => {
    await page.context().close();
    await open({ viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true });
    const overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    await saveScreenshot(page, "real-narrow-start");
    expect(await page.evaluate(overflow)).toBe(0);
    await ask(example().question);
    await saveScreenshot(page, "real-narrow-results");
    expect(await page.evaluate(overflow)).toBe(0);
    await page.locator("a.card").first().tap();
    await page.waitForSelector(".token[data-token]");
    await saveScreenshot(page, "real-narrow-viewer");
    expect(await page.evaluate("document.querySelector('dialog').scrollWidth - innerWidth")).toBe(0);
    expect(await allInside(page.locator(".tools .tool, .close"), page.locator(".viewer-top"))).toBe(true);
  });

  it("is dark where the system is", async () => {
    await page.context().close();
    await open({ colorScheme: "dark" });
    await ask(example().question);
    const background = await page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
    const channels = background.match(/\d+/g)?.map(Number) ?? [];
    expect(Math.max(...channels.slice(0, 3))).toBeLessThan(60);
    await saveScreenshot(page, "real-dark-results");
    await page.locator("a.card").first().click();
    await page.waitForSelector(".token[data-token]");
    await saveScreenshot(page, "real-dark-viewer");
  });

  it("says that the encoder does not answer, and recovers when it does", async () => {
    const pid = stack?.pid ?? 0;
    kill(pid, "SIGSTOP");
    try {
      await page.fill("#query", "a question that nobody asked before");
      await page.press("#query", "Enter");
      const failure = page.getByRole("alert");
      await failure.waitFor({ timeout: ENCODER_GIVES_UP_MS });
      expect(await failure.locator("code").textContent()).toMatch(/^encoder_(timeout|unavailable)$/);
      await saveScreenshot(page, "real-encoder-down");
    } finally {
      kill(pid, "SIGCONT");
    }
    await page.getByRole("button", { name: "Try again" }).click();
    await page.waitForSelector("a.card");
  });
});
