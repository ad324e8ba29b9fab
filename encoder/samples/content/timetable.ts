/**
 * Sample: a timetable set across the sheet, so that its pages are shown rotated.
 *
 * @module
 */
import { COLOUR, MARGIN, Press } from "../press/press.ts";
import { drawTable } from "../press/table.ts";

/** The sheet is upright A4; its content is turned by a quarter, and so is the page when shown. */
const SHEET: [number, number] = [595.28, 841.89];
const ROTATE = 90;

export async function timetable(): Promise<Uint8Array> {
  const press = new Press({
    title: "Ellery Sound Ferries: summer timetable 2026",
    date: new Date(Date.UTC(2026, 3, 20)),
    size: SHEET,
  });
  turn(press);
  press.title("Summer timetable 2026", "Ellery Sound Ferries · valid from 1 June to 30 August");
  drawTable(
    press,
    [
      { title: "Port Ellery – Saint Maud", share: 3 },
      ...Array.from({ length: 8 }, () => ({ title: "", share: 1, align: "right" as const })),
    ],
    [
      ["Port Ellery, Town Quay", "06:10", "07:40", "09:10", "11:40", "14:10", "16:40", "18:40", "21:15"],
      ["Cotter's Landing", "06:32", "08:02", "–", "12:02", "–", "17:02", "19:02", "–"],
      ["Saint Maud", "06:55", "08:25", "09:48", "12:25", "14:48", "17:25", "19:25", "21:53"],
    ],
  );
  drawTable(
    press,
    [
      { title: "Port Ellery – Skerry Island", share: 3 },
      ...Array.from({ length: 8 }, () => ({ title: "", share: 1, align: "right" as const })),
    ],
    [
      ["Port Ellery, Town Quay", "07:00", "08:30", "10:00", "11:30", "13:30", "15:30", "17:30", "19:30"],
      ["Skerry Island, North Pier", "07:25", "08:55", "10:25", "11:55", "13:55", "15:55", "17:55", "19:55"],
    ],
  );
  drawTable(
    press,
    [
      { title: "Fares, crowns", share: 3 },
      { title: "Saint Maud", share: 2, align: "right" },
      { title: "Cotter's Landing", share: 2, align: "right" },
      { title: "Skerry Island", share: 2, align: "right" },
    ],
    [
      ["Adult", "84", "58", "62"],
      ["Child from 6 to 15 years", "42", "29", "31"],
      ["Bicycle", "20", "20", "25"],
      ["Car with driver", "260", "190", "not carried"],
    ],
  );
  press.small(
    "The last sailing at 21:15 does not run on Mondays. On 24 June no ferries sail before noon. Cars must be at the quay fifteen minutes before departure.",
  );
  return press.finish();
}

/** Turns the coordinate system and gives the margins of a sheet that lies on its side. */
function turn(press: Press): void {
  const { doc } = press;
  const [width, height] = SHEET;
  // pdfkit's types list only the entries it writes itself.
  Object.assign(doc.page.dictionary.data, { Rotate: ROTATE });
  doc.rotate(-ROTATE, { origin: [0, 0] }).translate(-height, 0);
  doc.page.width = height;
  doc.page.height = width;
  doc.page.maxY = () => width - MARGIN;
  doc.rect(0, 0, height, 14).fill(COLOUR.navy);
  doc.x = MARGIN;
  doc.y = MARGIN - 8;
}
