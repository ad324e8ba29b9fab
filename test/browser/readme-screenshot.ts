/**
 * Takes the README's screenshot from the real stack: `node test/browser/readme-screenshot.ts "a question"`.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { EXAMPLE_QUESTIONS } from "../../edge/ui/client/examples.ts";
import { launchChromium, openPage } from "./support/browser.ts";
import { startStack } from "../support/stack.ts";

const OUTPUT = fileURLToPath(new URL("../../docs/screenshot.png", import.meta.url));
const VIEWPORT = { width: 1_280, height: 800 };

const question = process.argv[2] ?? EXAMPLE_QUESTIONS[0] ?? "";
const [stack, browser] = await Promise.all([startStack(), launchChromium()]);
try {
  const { page } = await openPage(browser, { viewport: VIEWPORT });
  await page.goto(`${stack.url}/?q=${encodeURIComponent(question)}&index=samples`);
  await page.locator("a.card").first().click();
  await page.waitForSelector(".token[data-token]");
  await page.waitForLoadState("networkidle");
  const picture = await page.screenshot();
  // Few colours, so a palette loses nothing visible and keeps the repository small.
  const { size } = await sharp(picture).png({ palette: true, quality: 90, effort: 10 }).toFile(OUTPUT);
  console.log(`${OUTPUT}: ${Math.round(size / 1_024)} KiB`);
} finally {
  await browser.close();
  await stack.stop();
}
