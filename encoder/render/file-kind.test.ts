import { describe, expect, it } from "vitest";
import { detectType, isIngestible } from "./file-kind.ts";
import { cornerPicture, textPdf } from "./fixtures.ts";
import { compoundFile, docm, docx, openDocument } from "./office/fixtures.ts";

/** An empty ZIP archive is its end record alone; this one has a file `a` of no bytes. */
const ZIP = Buffer.from(
  "504b030414000000000000000000000000000000000000000000010000006100" +
    "504b01021400140000000000000000000000000000000000000000000100000000000000000000000000000000006100" +
    "504b050600000000010001002f0000001f0000000000",
  "hex",
);

describe("isIngestible", () => {
  it.each([
    "a.pdf",
    "A.PDF",
    "scan.tiff",
    "scan.tif",
    "photo.JPG",
    "photo.jpeg",
    "x/y/shot.png",
    "b.webp",
    "a.docx",
    "a.PPTX",
    "a.xlsx",
    "a.odt",
    "a.odp",
    "a.ods",
  ])("takes %s", (name) => {
    expect(isIngestible(name)).toBe(true);
  });

  it.each(["notes.txt", "pdf", "archive.pdf.zip", "movie.gif", "report.doc", "macros.docm", "x/~$report.docx", ""])(
    "passes over %s",
    (name) => {
      expect(isIngestible(name)).toBe(false);
    },
  );
});

describe("detectType", () => {
  it("goes by content and not by name", async () => {
    expect(await detectType("picture.png", await textPdf(["x"]))).toBe("application/pdf");
    expect(await detectType("a.pdf", await cornerPicture(8, 8).png().toBuffer())).toBe("image/png");
    expect(await detectType("a.pdf", await cornerPicture(8, 8).jpeg().toBuffer())).toBe("image/jpeg");
    expect(await detectType("a.pdf", await cornerPicture(8, 8).webp().toBuffer())).toBe("image/webp");
    expect(await detectType("a.pdf", await cornerPicture(8, 8).tiff().toBuffer())).toBe("image/tiff");
  });

  it("knows office files", async () => {
    expect(await detectType("a.bin", docx(["x"]))).toMatch(/wordprocessingml\.document$/);
    expect(await detectType("a.bin", openDocument("text", ["x"]))).toBe("application/vnd.oasis.opendocument.text");
    expect(await detectType("a.pdf", openDocument("spreadsheet", ["x"]))).toMatch(/spreadsheet$/);
  });

  it("refuses office files that are locked, have macros, or are too old, saying what to do", async () => {
    await expect(detectType("a.docx", compoundFile(["EncryptionInfo", "EncryptedPackage"]))).rejects.toMatchObject({
      code: "file_encrypted",
      message: '"a.docx" is locked with a password',
    });
    await expect(detectType("a.docx", docm())).rejects.toMatchObject({
      code: "file_unsupported",
      message: expect.stringContaining("is an office file with macros (docm); save it without them"),
    });
    await expect(detectType("a.doc", compoundFile(["WordDocument"]))).rejects.toMatchObject({
      code: "file_unsupported",
      message: expect.stringContaining("save it as DOCX"),
    });
    await expect(detectType("a.pptx", new Uint8Array())).rejects.toMatchObject({ code: "file_empty" });
  });

  it("finds a PDF behind junk", async () => {
    const junk = Buffer.from("Received: by mail gateway\r\n\r\n");
    expect(await detectType("a.pdf", Buffer.concat([junk, await textPdf(["x"])]))).toBe("application/pdf");
  });

  it.each([
    ["a ZIP", ZIP, "is a ZIP file (application/zip)"],
    ["a GIF", Buffer.from("GIF89a\x01\x00\x01\x00\x00\x00\x00;", "latin1"), "is a GIF file (image/gif)"],
    ["text", Buffer.from("Dear Sir, naïve façade"), "is a plain text file"],
    ["bytes", Buffer.from([0, 1, 2, 3, 0, 0]), "is a binary file of an unknown kind"],
    ["other bytes", Buffer.from([0xff, 0xfe, 0xfd, 0x81]), "is a file of an unknown kind"],
  ])("says what %s called .pdf really is", async (_, bytes, what) => {
    await expect(detectType("a.pdf", bytes)).rejects.toMatchObject({
      code: "file_unsupported",
      message: expect.stringContaining(`"a.pdf" ${what}`),
    });
  });

  it("refuses an empty file", async () => {
    await expect(detectType("a.pdf", new Uint8Array())).rejects.toMatchObject({ code: "file_empty" });
  });
});
