/**
 * Scans and office files through the real command line.
 */
import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { docx } from "../../encoder/render/office/fixtures.ts";
import { findSoffice } from "../../encoder/render/office/soffice.ts";
import { run } from "./support/command-line.ts";
import { write, writePdf } from "./support/documents.ts";

const TIMEOUT_MS = 240_000;
const LETTER = join(import.meta.dirname, "../../encoder/samples/pdf/keeper-letter-1931.pdf");

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-scans-e2e-"));
  await mkdir(join(folder, "letters"));
  await copyFile(LETTER, join(folder, "letters/letter.pdf"));
  await writePdf(join(folder, "office/typed.pdf"), ["Mackerel is smoked in the harbour."]);
  await write(join(folder, "office/plan.docx"), docx(["The herring fleet sails in May.", "Cod is landed in June."]));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function maxleaf(args: string[], env: Record<string, string> = {}) {
  return await run(args, { MAXLEAF_DATA_DIR: join(folder, "data"), ...env });
}

describe("a scan", { timeout: TIMEOUT_MS }, () => {
  it("is found by its words, and the hit says how they were had", async () => {
    const ingested = await maxleaf(["ingest", join(folder, "letters"), "-i", "letters"]);
    expect(ingested).toMatchObject({ code: 0, stdout: expect.stringMatching(/1 searchable \(1 read by OCR at \d/) });
    const found = await maxleaf(["search", "which steamer struck the rocks", "-i", "letters"]);
    expect(found.stdout).toMatch(/letter\.pdf, page 1 of 1 {2}\(read by OCR\)\n.*ASTRID of Bergen/);
    const { hits } = JSON.parse((await maxleaf(["search", "steamer", "-i", "letters", "--json"])).stdout);
    expect(hits).toMatchObject([{ document: { name: "letter.pdf" }, textSource: "ocr" }]);
  });

  it("stays unread with --no-ocr", async () => {
    const { code, stdout } = await maxleaf(["ingest", join(folder, "letters"), "-i", "unread", "--no-ocr", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ pages: 1, searchablePages: 0, pagesWithoutText: 1, pagesReadByOcr: 0 });
  });

  it("is not read in a language that is not there; the package is named", async () => {
    const { code, stderr } = await maxleaf(["ingest", join(folder, "letters"), "-i", "x", "--ocr-language", "eng+deu"]);
    expect(code).not.toBe(0);
    expect(stderr).toContain("npm install --save-exact @tesseract.js-data/deu");
    const wrong = await maxleaf(["ingest", join(folder, "letters"), "-i", "x", "--ocr-language", "german"]);
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('"german" is no OCR language') });
  });
});

describe("an office file", { timeout: TIMEOUT_MS }, () => {
  it("fails alone without LibreOffice, saying what to install", async () => {
    const env = { MAXLEAF_SOFFICE: "/no/such/program" };
    const { code, stdout } = await maxleaf(["ingest", join(folder, "office"), "-i", "without", "--json"], env);
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({
      added: 1,
      failed: [
        {
          name: "plan.docx",
          code: "file_unsupported",
          reason: expect.stringContaining("apt-get install libreoffice-writer-nogui"),
        },
      ],
    });
  });

  it.skipIf(findSoffice() === undefined)("is found by page with LibreOffice, as it is installed here", async () => {
    const ingested = await maxleaf(["ingest", join(folder, "office"), "-i", "office", "--json"]);
    expect(ingested.code).toBe(0);
    expect(JSON.parse(ingested.stdout)).toMatchObject({ added: 2, pages: 3, searchablePages: 3, failed: [] });
    const found = await maxleaf(["search", "when is cod landed", "-i", "office", "--json", "-k", "1"]);
    expect(JSON.parse(found.stdout).hits).toMatchObject([{ document: { name: "plan.docx", pageCount: 2 }, page: 2 }]);
    const { documents } = JSON.parse((await maxleaf(["documents", "-i", "office", "--json"])).stdout);
    expect(documents.map(({ contentType }: { contentType: string }) => contentType)).toEqual([
      "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
      "application/pdf",
    ]);
  });
});
