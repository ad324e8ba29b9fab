/**
 * One Chromium and one fixture server for a test file, and a fresh page for every test.
 *
 * @module
 */
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import type { Browser, Page } from "playwright-core";
import { launchChromium, openPage } from "./browser.ts";
import { gridExplanation, hit, indexList, QUERY, searchResponse } from "./fixture-data.ts";
import { startFixtureServer } from "./fixture-server.ts";
import type { FixtureServer, Scenario } from "./fixture-server.ts";

/** Everything works: two indexes, four hits, a heat map, pictures. */
export const USUAL: Scenario = {
  indexes: () => ({ body: indexList("samples", "reports") }),
  search: () => ({ body: searchResponse([hit(1), hit(2), hit(3), hit(4)]) }),
  explain: () => ({ body: gridExplanation() }),
  images: true,
};

/** Filled in before every test. */
export interface FixturePage {
  server: FixtureServer;
  page: Page;
  /** See `openPage`. */
  faults: string[];
  /** Types `query` and presses Enter. */
  ask: (query?: string) => Promise<void>;
}

/** Registers the hooks of a `describe` block. The result may be read inside tests only. */
export function useFixturePage(): FixturePage {
  let browser: Browser | undefined;
  let server: FixtureServer | undefined;
  let opened: { page: Page; faults: string[] } | undefined;
  const present = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error("the fixture page exists inside tests only");
    return value;
  };

  beforeAll(async () => {
    browser = await launchChromium();
    server = await startFixtureServer(USUAL);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });
  beforeEach(async () => {
    const running = present(server);
    running.scenario = { ...USUAL };
    running.aborted.length = 0;
    opened = await openPage(present(browser));
  });
  afterEach(async () => {
    await opened?.page.context().close();
  });

  return {
    get server() {
      return present(server);
    },
    get page() {
      return present(opened).page;
    },
    get faults() {
      return present(opened).faults;
    },
    ask: async (query = QUERY) => {
      const { page } = present(opened);
      await page.fill("#query", query);
      await page.press("#query", "Enter");
    },
  };
}
