/**
 * Sample: a typewritten letter of 1931, scanned: a picture without a text layer.
 *
 * @module
 */
import { MARGIN, Press } from "../press/press.ts";
import { scanned } from "../press/scan.ts";

const TITLE = "Letter of the lighthouse keeper, 1931 (scan)";
const DATE = new Date(Date.UTC(2024, 1, 5));

const LINES = [
  "Cape Ellery Lighthouse",
  "17 November 1931",
  "",
  "To the Inspector of Lights, Korrin",
  "",
  "Sir,",
  "",
  "I have to report that on the night of the 14th",
  "the steamer ASTRID of Bergen struck the Hen and",
  "Chickens in thick snow at about ten minutes past",
  "two. The lamp was burning and the fog gun was",
  "fired every four minutes from midnight on.",
  "",
  "With my wife and the boy Anders I launched the",
  "small boat and brought off nine men and the ship's",
  "cat. Two men were lost. The nine were fed and",
  "slept in the oil store until the 16th, when the",
  "road was open again.",
  "",
  "I beg to request the replacement of:",
  "",
  "    11 blankets",
  "     2 oars, ash, 9 foot",
  "    40 charges for the fog gun",
  "     1 kettle",
  "",
  "The cat has stayed with us and is called Astrid.",
  "",
  "Your obedient servant,",
  "",
  "P. Reus, Keeper",
];

export async function keeperLetter(): Promise<Uint8Array> {
  const press = new Press({ title: TITLE, date: DATE });
  press.doc.font("Courier").fontSize(12.5).fillColor("#111111");
  press.doc.text(LINES.join("\n"), MARGIN + 20, MARGIN + 40, { lineGap: 5 });
  return scanned(await press.finish(), { title: TITLE, date: DATE });
}
