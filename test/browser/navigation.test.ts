/**
 * Keyboard, focus, and what the browser's Back and Forward do, over canned answers of the API.
 */
import { describe, expect, it } from "vitest";
import type { Page } from "playwright-core";
import { hasChromium } from "./support/browser.ts";
import { searchResponse } from "./support/fixture-data.ts";
import { useFixturePage } from "./support/fixture-page.ts";

/** What has the focus: its accessible name, or its id. */
async function focused(page: Page): Promise<string> {
  const active = page.locator(":focus");
  return (await active.getAttribute("aria-label")) ?? (await active.getAttribute("id")) ?? "";
}

const address = (page: Page): string => new URL(page.url()).search;

describe.runIf(hasChromium())("moving through the search page", () => {
  const fixture = useFixturePage();

  it("works from question to page and back by keyboard alone", async () => {
    const { server, page } = fixture;
    await page.goto(server.url);
    await page.waitForSelector(".start");
    expect(await focused(page)).toBe("query");
    await page.keyboard.type("revenue by region");
    await page.keyboard.press("Enter");
    await page.waitForSelector("a.card");

    await page.keyboard.press("ArrowDown");
    expect(await focused(page)).toMatch(/^Result 1:/);
    await page.keyboard.press("ArrowRight");
    expect(await focused(page)).toMatch(/^Result 2:/);
    await page.keyboard.press("ArrowDown");
    expect(await focused(page)).toMatch(/^Result 4:/);
    await page.keyboard.press("Home");
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog[open] .token");
    expect(await page.textContent(".viewer-position")).toBe("1 / 4");

    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    expect(await page.textContent(".viewer-position")).toBe("3 / 4");
    await page.keyboard.press("ArrowLeft");
    expect(await page.textContent(".viewer-position")).toBe("2 / 4");
    await page.keyboard.press("Escape");
    await expect.poll(() => page.locator("dialog[open]").count()).toBe(0);
    expect(await focused(page)).toMatch(/^Result 2:/);

    await page.keyboard.press("/");
    expect(await focused(page)).toBe("query");
    expect(await page.inputValue("#query")).toBe("revenue by region");
  });

  it("keeps the focus inside the dialog", async () => {
    const { server, page, ask } = fixture;
    await page.goto(server.url);
    await ask();
    await page.click("a.card");
    await page.waitForSelector("dialog[open] .token");
    const visited = new Set<string>();
    for (let press = 0; press < 30; press++) {
      await page.keyboard.press("Tab");
      visited.add(await page.evaluate("document.activeElement?.getAttribute('aria-label') ?? ''"));
      expect(await page.locator("main :focus, .top :focus").count()).toBe(0);
    }
    expect([...visited]).toEqual(expect.arrayContaining(["Next result", "Zoom in", "Close", "Page"]));
    await page.keyboard.press("/");
    expect(await page.locator("#query:focus").count()).toBe(0);
  });

  it("stops at the first and the last result", async () => {
    const { server, page, ask } = fixture;
    await page.goto(server.url);
    await ask();
    await page.click("a.card >> nth=3");
    expect(await page.getAttribute(".next", "aria-disabled")).toBe("true");
    await page.keyboard.press("ArrowRight");
    expect(await page.textContent(".viewer-position")).toBe("4 / 4");
    expect(await page.getAttribute(".previous", "aria-disabled")).toBe("false");
  });

  it("moves the opacity slider, not the page, by arrow keys on the slider", async () => {
    const { server, page, ask } = fixture;
    await page.goto(server.url);
    await ask();
    await page.click("a.card");
    await page.focus(".heat-opacity");
    await page.keyboard.press("ArrowLeft");
    expect(await page.inputValue(".heat-opacity")).toBe("84");
    expect(await page.locator("canvas.heat").getAttribute("style")).toContain("opacity: 0.84");
    expect(await page.textContent(".viewer-position")).toBe("1 / 4");
  });

  it("zooms in steps and between the whole page and its width", async () => {
    const { server, page, ask } = fixture;
    const sheetWidth = async (): Promise<number> => (await page.locator(".sheet").boundingBox())?.width ?? 0;
    await page.goto(server.url);
    await ask();
    await page.click("a.card");
    const whole = await sheetWidth();
    await page.click(".zoom-in");
    expect((await sheetWidth()) / whole).toBeCloseTo(1.25, 1);
    await page.keyboard.press("-");
    expect((await sheetWidth()) / whole).toBeCloseTo(1, 1);
    await page.click(".zoom-fit");
    await page.click(".zoom-fit");
    const stage = await page.locator(".stage").evaluate((stage: { clientWidth: number }) => stage.clientWidth);
    expect(await sheetWidth()).toBe(stage - 48);
  });

  it("puts question, index and open page into the address, and goes back through them", async () => {
    const { server, page, ask } = fixture;
    await page.goto(server.url);
    await ask("first question");
    await page.waitForSelector("a.card");
    expect(address(page)).toBe("?q=first+question&index=samples");
    expect(await page.title()).toBe("first question – Maxleaf");
    await page.click("a.card >> nth=1");
    expect(address(page)).toBe("?q=first+question&index=samples&doc=0123456789abcdef0123&page=2");
    await page.keyboard.press("ArrowRight");
    expect(address(page)).toMatch(/page=3$/);
    await page.goBack();
    await page.waitForSelector("dialog:not([open])", { state: "attached" });
    expect(address(page)).toBe("?q=first+question&index=samples");
    await page.goForward();
    await page.waitForSelector("dialog[open]");
    expect(await page.textContent(".viewer-page")).toContain("Page 3 of 12");
    await page.click(".close");
    await expect.poll(() => address(page)).toBe("?q=first+question&index=samples");

    await page.selectOption("#index", "reports");
    expect(address(page)).toBe("?q=first+question&index=reports");
    await page.goBack();
    await expect.poll(() => page.inputValue("#index")).toBe("samples");
    await page.goBack();
    await page.waitForSelector(".start");
    expect(await page.inputValue("#query")).toBe("");
  });

  it("opens results in a new tab like any link", async () => {
    const { server, page, ask } = fixture;
    await page.goto(server.url);
    await ask();
    await page.waitForSelector("a.card");
    server.scenario.search = ({ query }) => ({ body: { ...searchResponse([]), query } });
    const tab = page.context().waitForEvent("page");
    await page.click("a.card", { modifiers: ["ControlOrMeta"] });
    expect(new URL((await tab).url()).searchParams.get("page")).toBe("1");
    expect(await page.locator("dialog[open]").count()).toBe(0);
  });
});
