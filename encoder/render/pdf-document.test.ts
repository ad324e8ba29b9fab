import { afterAll, describe, expect, it } from "vitest";
import { inkBox, makePdf, onePagePdf, renderAll, textOf, textPdf } from "./fixtures.ts";
import { RenderPool } from "./render-pool.ts";
import sharp from "sharp";
import { PAGE_IMAGE_LONG_EDGE_PX, THUMBNAIL_WIDTH_PX } from "./limits.ts";

const pool = new RenderPool({ processes: 1 });
afterAll(() => pool.close());

const HELLO = "BT /F 24 Tf 60 200 Td (Hello) Tj ET";

describe("a page's pictures", () => {
  it("have the sizes that the limits name", async () => {
    const [page] = await renderAll(pool, "a.pdf", await textPdf(["Hello"]));
    const image = await sharp(page?.image).metadata();
    expect(image).toMatchObject({ format: "webp", width: PAGE_IMAGE_LONG_EDGE_PX, height: 1_200 });
    expect(await sharp(page?.thumbnail).metadata()).toMatchObject({
      format: "webp",
      width: THUMBNAIL_WIDTH_PX,
      height: 240,
    });
  });

  it("do not blow up a tiny page", async () => {
    const [page] = await renderAll(pool, "a.pdf", await textPdf(["x"], { size: [60, 30], margin: 2 }));
    expect(await sharp(page?.image).metadata()).toMatchObject({ width: 240, height: 120 });
  });

  it("stay small when the page is enormous", async () => {
    const [page] = await renderAll(pool, "a.pdf", onePagePdf(HELLO, "/MediaBox [0 0 14400 7200] /UserUnit 100"));
    expect(page?.problem).toBeUndefined();
    expect(await sharp(page?.image).metadata()).toMatchObject({ width: 1_600, height: 800 });
  });
});

describe("a word's box", () => {
  it.each([
    ["an upright page", "/MediaBox [0 0 400 300]"],
    ["a page turned right", "/MediaBox [0 0 400 300] /Rotate 90"],
    ["a page upside down", "/MediaBox [0 0 400 300] /Rotate 180"],
    ["a page turned left", "/MediaBox [0 0 400 300] /Rotate 270"],
    ["a page turned by a negative angle", "/MediaBox [0 0 400 300] /Rotate -90"],
    ["a cropped page", "/MediaBox [0 0 400 300] /CropBox [40 150 240 250]"],
    ["a cropped and turned page", "/MediaBox [0 0 400 300] /CropBox [40 150 240 250] /Rotate 90"],
    ["a page that does not begin at 0", "/MediaBox [-100 -50 300 250]"],
    ["a page of large units", "/MediaBox [0 0 400 300] /UserUnit 2.5"],
  ])("lies where the picture shows the word, on %s", async (_, entries) => {
    const [page] = await renderAll(pool, "a.pdf", onePagePdf(HELLO, entries));
    const [word] = page?.words ?? [];
    expect(word?.text).toBe("Hello");
    const ink = await inkBox(page?.image ?? new Uint8Array());
    const [left, top, right, bottom] = word?.box ?? [0, 0, 0, 0];
    const tolerance = 0.01;
    expect(left).toBeLessThanOrEqual(ink[0] + tolerance);
    expect(top).toBeLessThanOrEqual(ink[1] + tolerance);
    expect(right).toBeGreaterThanOrEqual(ink[2] - tolerance);
    expect(bottom).toBeGreaterThanOrEqual(ink[3] - tolerance);
    // Not much larger than the ink either: letters fill most of their line.
    expect((right - left) * (bottom - top)).toBeLessThan(2.2 * (ink[2] - ink[0]) * (ink[3] - ink[1]));
  });

  it("lies where the picture shows a word that runs upwards", async () => {
    const [page] = await renderAll(pool, "a.pdf", onePagePdf("BT /F 24 Tf 0 1 -1 0 200 60 Tm (Hello) Tj ET"));
    const ink = await inkBox(page?.image ?? new Uint8Array());
    const box = page?.words[0]?.box ?? [0, 0, 0, 0];
    expect(Math.abs(box[1] - ink[1])).toBeLessThan(0.02);
    expect(Math.abs(box[3] - ink[3])).toBeLessThan(0.02);
  });
});

describe("a page's words", () => {
  it("come column by column although drawn row by row", async () => {
    const left = [
      "The ferry leaves the town quay",
      "at ten past six, and those who",
      "miss it wait for the next one in",
      "the hall by the stove, where the",
      "kettle is always on, as it was",
      "when the quay was built.",
    ];
    const right = [
      "On Sundays there is no ferry",
      "before nine. Bicycles travel for",
      "the price of a child; dogs for",
      "nothing at all if they sit still",
      "and do not bark at the gulls on",
      "the railing of the deck.",
    ];
    const pdf = await makePdf(
      (doc) => {
        doc.fontSize(11);
        for (const [i, text] of left.entries()) {
          doc.text(text, 40, 60 + i * 16, { lineBreak: false });
          doc.text(right[i] ?? "", 240, 60 + i * 16, { lineBreak: false });
        }
      },
      { size: [440, 300] },
    );
    const [page] = await renderAll(pool, "a.pdf", pdf);
    expect(textOf(page)).toBe([...left, ...right].join(" "));
  });

  it("are whole where a line's end cut them, and keep accents and ligatures", async () => {
    const pdf = await makePdf((doc) => {
      doc.text("A file of infor-", 40, 40).text("mation for the efficient café");
    });
    const [page] = await renderAll(pool, "a.pdf", pdf);
    expect(textOf(page)).toBe("A file of information for the efficient café");
  });

  it("count although nobody sees them, as over a scan", async () => {
    const [page] = await renderAll(pool, "a.pdf", onePagePdf("BT 3 Tr /F 24 Tf 60 200 Td (Hidden) Tj ET"));
    expect(page).toMatchObject({ status: "searchable" });
    expect(textOf(page)).toBe("Hidden");
  });

  it("are none on a page without text, which is kept", async () => {
    const pages = await renderAll(pool, "a.pdf", await textPdf(["one", "", "three"]));
    expect(pages.map((page) => [page.pageNumber, page.status])).toEqual([
      [1, "searchable"],
      [2, "no-text"],
      [3, "searchable"],
    ]);
  });

  it("outlive a page whose content breaks off", async () => {
    const [page] = await renderAll(pool, "a.pdf", onePagePdf(`${HELLO} q 1 0 0 1 0 BT (`));
    expect(textOf(page)).toBe("Hello");
  });
});
