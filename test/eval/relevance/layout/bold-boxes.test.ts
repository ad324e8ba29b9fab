import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makePdf, renderAll } from "../../../../encoder/render/fixtures.ts";
import { RenderPool } from "../../../../encoder/render/render-pool.ts";
import { isInside, readBoldBoxes } from "./bold-boxes.ts";

const pool = new RenderPool({ processes: 1 });
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "bold-"));
});
afterAll(async () => {
  pool.close();
  await rm(folder, { recursive: true });
});

describe("readBoldBoxes", () => {
  it("tells the bold words of every page", async () => {
    const bytes = await makePdf((doc) => {
      doc.font("Helvetica-Bold").text("Net sales", { continued: true }).font("Helvetica").text(" rose in spring");
      doc.addPage().text("Nothing here");
      doc.addPage().font("Times-BoldItalic").text("All of it");
    });
    const file = path.join(folder, "a.pdf");
    await writeFile(file, bytes);
    const boxes = await readBoldBoxes(file);
    const pages = await renderAll(pool, "a.pdf", bytes);
    const bold = pages.map(({ words }, page) =>
      words.filter((word) => isInside(word, boxes[page] ?? [])).map(({ text }) => text),
    );
    expect(bold).toEqual([["Net", "sales"], [], ["All", "of", "it"]]);
  });
});
