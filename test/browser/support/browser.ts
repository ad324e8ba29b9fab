/**
 * Chromium for the browser tests.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";

/** Where Debian, Ubuntu and Alpine put it; `CHROMIUM_PATH` names any other. */
const USUAL_PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

const LAUNCH_ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const SCREENSHOTS = join(dirname(fileURLToPath(import.meta.url)), "..", "screenshots");

function findChromium(): string | undefined {
  const configured = process.env.CHROMIUM_PATH;
  if (configured !== undefined) return configured;
  return USUAL_PATHS.find((path) => existsSync(path));
}

/**
 * Whether the browser tests can run. Without a Chromium they are skipped, and say so; in CI that is a failure, because
 * a skipped suite there would go unnoticed.
 */
export function hasChromium(): boolean {
  if (findChromium() !== undefined) return true;
  const message = "no Chromium found: install it, or set CHROMIUM_PATH, to run the browser tests";
  if (process.env.CI === "true") throw new Error(message);
  console.warn(message);
  return false;
}

export async function launchChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error("no Chromium found");
  return chromium.launch({ executablePath, headless: true, args: LAUNCH_ARGS });
}

/** A page in a context of its own, and everything that went wrong in it: exceptions, console errors, CSP violations. */
export async function openPage(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; faults: string[] }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(`exception: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(`console: ${message.text()}`);
  });
  return { page, faults };
}

/** Saves what `page` shows under test/browser/screenshots, for people to look at. */
export async function saveScreenshot(page: Page, name: string): Promise<void> {
  await mkdir(SCREENSHOTS, { recursive: true });
  await page.waitForLoadState("networkidle");
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}
