/**
 * States of the search page that are hard to bring about with real documents, over canned answers of the API.
 */
import { describe, expect, it } from "vitest";
import { hasChromium, saveScreenshot } from "./support/browser.ts";
import { heatAlphas } from "./support/canvas.ts";
import {
  gridExplanation,
  hit,
  indexList,
  indexListWithAliases,
  problem,
  QUERY,
  searchResponse,
} from "./support/fixture-data.ts";
import { USUAL, useFixturePage } from "./support/fixture-page.ts";

const XSS_NAME = "<img src=x onerror=\"document.title='owned'\"><b>report.pdf";

describe.runIf(hasChromium())("the search page over canned answers", () => {
  const fixture = useFixturePage();

  it("runs under a strict content security policy without a complaint", async () => {
    const { server, page, faults, ask } = fixture;
    await page.goto(server.url);
    await ask();
    await page.click("a.card");
    await page.waitForSelector(".token");
    expect(faults).toEqual([]);
  });

  it("shows a document's name as text, whatever it holds", async () => {
    const { server, page, ask } = fixture;
    server.scenario.search = () => ({
      body: searchResponse([{ ...hit(1, XSS_NAME), snippet: "<script>document.title='owned'</script>" }]),
    });
    await page.goto(server.url);
    await ask();
    expect(await page.textContent(".card-name")).toBe(XSS_NAME);
    await page.click("a.card");
    expect(await page.textContent("#viewer-title")).toBe(XSS_NAME);
    expect(await page.locator("main img[src='x'], dialog img[src='x'], main b, main script").count()).toBe(0);
    expect(await page.title()).not.toBe("owned");
    await saveScreenshot(page, "state-hostile-name");
  });

  it("says on a hit and on its page that the words were read by OCR", async () => {
    const { server, page, ask } = fixture;
    const read = { ...hit(1, "scan.pdf"), textSource: "ocr" as const };
    server.scenario.search = () => ({ body: searchResponse([read, hit(2, "typed.pdf")]) });
    await page.goto(server.url);
    await ask();
    await page.waitForSelector("a.card");
    const cards = await page.locator("a.card").allTextContents();
    expect(cards.map((text) => text.includes("read by OCR"))).toEqual([true, false]);
    await page.click("a.card");
    expect(await page.textContent(".viewer-page")).toMatch(/^Page 1 of 12 · score 2\.70 · read by OCR$/);
    await page.click("dialog .next");
    expect(await page.textContent(".viewer-page")).not.toContain("OCR");
  });

  it("shows the problem's own words and its code, and searches again on demand", async () => {
    const { server, page, ask } = fixture;
    server.scenario.search = () =>
      problem(503, "encoder_unavailable", "The encoder at 127.0.0.1 does not answer, so questions cannot be read.");
    await page.goto(server.url);
    await ask();
    const failure = page.getByRole("alert");
    await failure.waitFor();
    expect(await failure.textContent()).toContain("does not answer, so questions cannot be read");
    expect(await failure.locator("code").textContent()).toBe("encoder_unavailable");
    await saveScreenshot(page, "state-error");

    server.scenario.search = USUAL.search;
    await failure.getByRole("button", { name: "Try again" }).click();
    await page.waitForSelector("a.card");
    expect(await page.locator("a.card").count()).toBe(4);
    expect(await failure.count()).toBe(0);
  });

  it("says what was not searched beside the results", async () => {
    const { server, page, ask } = fixture;
    const reasons = [{ shard: 2, code: "shard_timeout", detail: "no answer within 2000 ms" }];
    const partial = { shardsFailed: 1, shardsTotal: 4, pagesNotSearched: 12_000, reasons };
    server.scenario.search = () => ({ body: { ...searchResponse([hit(1, "report.pdf")]), partial } });
    await page.goto(server.url);
    await ask();
    const notice = page.locator("section.notice");
    await notice.waitFor();
    expect(await notice.textContent()).toContain("12,000 pages in 1 of 4 parts");
    expect(await notice.locator("code").textContent()).toBe("shard_timeout");
    expect(await page.locator("a.card").count()).toBe(1);
    await saveScreenshot(page, "state-partial");
  });

  it("says so when the server is gone", async () => {
    const { server, page, ask } = fixture;
    await page.goto(server.url);
    await page.waitForSelector(".start");
    await page.route("**/search", (route) => route.abort("connectionrefused"));
    await ask();
    expect(await page.getByRole("alert").locator("code").textContent()).toBe("no_answer");
  });

  it("reports an answer that is no JSON", async () => {
    const { server, page, ask } = fixture;
    await page.goto(server.url);
    await page.waitForSelector(".start");
    await page.route("**/search", (route) => route.fulfill({ status: 502, body: "<h1>Bad gateway</h1>" }));
    await ask();
    expect(await page.getByRole("alert").locator("code").textContent()).toBe("http_502");
  });

  it("tells how to make an index when there is none, and looks again", async () => {
    const { server, page } = fixture;
    server.scenario.indexes = () => ({ body: indexList() });
    await page.goto(server.url);
    expect(await page.textContent(".notice h2")).toBe("No index yet");
    expect(await page.textContent(".notice pre")).toContain("maxleaf ingest");
    await saveScreenshot(page, "state-no-index");
    server.scenario.indexes = USUAL.indexes;
    await page.getByRole("button", { name: "Look again" }).click();
    await page.waitForSelector(".start");
    expect(await page.locator("#index option").count()).toBe(2);
  });

  it("offers aliases beside indexes, and asks by the name that was picked", async () => {
    const { server, page, faults, ask } = fixture;
    server.scenario.indexes = () => ({
      body: indexListWithAliases(["reports-1", "reports-2"], { current: "reports-2", lost: "reports-0" }),
    });
    await page.goto(server.url);
    await page.waitForSelector(".start");
    const names = await page.locator("#index option").allTextContents();
    expect(names).toEqual(["reports-1 · 24 pages", "reports-2 · 24 pages", "current → reports-2 · 24 pages"]);
    await page.selectOption("#index", "current");
    expect(await page.locator("#mode option").count()).toBe(4);
    expect(await page.textContent(".start")).toContain("Searching 24 pages");
    await saveScreenshot(page, "state-aliases");
    const asked = page.waitForRequest("**/search");
    await ask();
    expect(new URL((await asked).url()).pathname).toBe("/v1/indexes/current/search");
    await page.waitForSelector("a.card");
    expect(new URL(page.url()).searchParams.get("index")).toBe("current");
    expect(await page.inputValue("#index")).toBe("current");
    expect(faults).toEqual([]);
  });

  it("answers a question asked without any index with the same advice", async () => {
    const { server, page, faults, ask } = fixture;
    server.scenario.indexes = () => ({ body: indexList() });
    await page.goto(server.url);
    await page.waitForSelector(".notice");
    await ask();
    await expect.poll(() => page.textContent(".notice h2")).toBe("No index yet");
    expect(faults).toEqual([]);
  });

  it("says that nothing was found", async () => {
    const { server, page, ask } = fixture;
    server.scenario.search = () => ({ body: searchResponse([], 0) });
    await page.goto(server.url);
    await ask();
    expect(await page.textContent(".notice")).toContain("no searchable pages");
  });

  it("shows placeholders while it waits, and marks the list as busy", async () => {
    const { server, page, ask } = fixture;
    server.scenario.search = () => ({ ...USUAL.search({ query: QUERY, k: 10 }), delayMs: 400 });
    await page.goto(server.url);
    await ask();
    await page.waitForSelector("#results[aria-busy=true] .skeleton");
    await page.waitForSelector("#results:not([aria-busy]) a.card");
    expect(await page.locator(".skeleton").count()).toBe(0);
  });

  it("gives up a search when a newer one is asked, and shows the newer one", async () => {
    const { server, page, ask } = fixture;
    server.scenario.search = ({ query }) =>
      query === "slow question"
        ? { body: searchResponse([hit(1, "slow.pdf")]), delayMs: 2_000 }
        : { body: searchResponse([hit(1, "quick.pdf")]) };
    await page.goto(server.url);
    await ask("slow question");
    await page.waitForSelector("#results[aria-busy=true]");
    await ask("quick question");
    await page.waitForSelector("a.card");
    expect(await page.textContent(".card-name")).toBe("quick.pdf");
    await expect.poll(() => server.aborted).toEqual(["slow question"]);
  });

  it("stands in for pictures that are missing", async () => {
    const { server, page, ask } = fixture;
    server.scenario.images = false;
    await page.goto(server.url);
    await ask();
    await page.waitForSelector(".thumbnail.without-image");
    expect(await page.textContent(".thumbnail.without-image")).toBe("No preview");
    await page.click("a.card");
    await page.waitForSelector(".sheet.without-image");
  });

  it("paints the cells of a patch grid and leaves those without a vector blank", async () => {
    const { server, page, ask } = fixture;
    await page.goto(server.url);
    await ask();
    await page.click("a.card");
    await page.click(".token[data-token='2']");
    const { columns, rows } = gridExplanation();
    const alphas = await heatAlphas(page, columns, rows);
    const strong = alphas.flatMap((alpha, cell) => (alpha > 0 ? [cell % columns] : []));
    expect(new Set(strong)).toEqual(new Set([2]));
    expect(strong).toHaveLength(rows);
    await saveScreenshot(page, "state-grid");
  });

  it("keeps the page usable when the heat map fails", async () => {
    const { server, page, ask } = fixture;
    server.scenario.explain = () => problem(503, "store_unavailable", "The bucket does not answer.");
    await page.goto(server.url);
    await ask();
    await page.click("a.card");
    await page.waitForSelector(".evidence-message button");
    expect(await page.textContent(".evidence-message")).toContain("The bucket does not answer. (store_unavailable)");
    expect(await page.locator(".outline").count()).toBe(3);
    server.scenario.explain = USUAL.explain;
    await page.click(".evidence-message button");
    await page.waitForSelector(".token");
  });

  it("opens a linked page that is not among the hits by asking for its document", async () => {
    const { server, page } = fixture;
    server.scenario.search = ({ filter }) => ({
      body: searchResponse(filter === undefined ? [hit(1)] : [hit(1), hit(7)]),
    });
    await page.goto(`${server.url}/?q=${encodeURIComponent(QUERY)}&index=samples&doc=${hit(7).document.id}&page=7`);
    await page.waitForSelector("dialog[open]");
    expect(await page.textContent(".viewer-page")).toContain("Page 7 of 12");
    await page.keyboard.press("Escape");
    await page.waitForSelector("dialog:not([open])", { state: "attached" });
    await expect.poll(() => new URL(page.url()).search).toBe("?q=revenue+by+region&index=samples");
  });

  it("says so when a linked page does not exist", async () => {
    const { server, page } = fixture;
    await page.goto(`${server.url}/?q=x&index=samples&doc=ffffffffffffffffffff&page=2`);
    expect(await page.getByRole("alert").locator("code").textContent()).toBe("page_not_found");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.waitForSelector("a.card");
    expect(new URL(page.url()).search).toBe("?q=x&index=samples");
  });
});
