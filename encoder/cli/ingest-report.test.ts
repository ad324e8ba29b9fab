import { describe, expect, it } from "vitest";
import { MAX_CODEBOOK_DRIFT } from "../indexing/codebook-drift.ts";
import { emptyReport } from "../ingest/report.ts";
import { ingestExitCode, ingestSummary } from "./ingest-report.ts";

const report = {
  ...emptyReport("reports", "minilm-words"),
  added: 2,
  unchanged: 1_500,
  pages: 30,
  searchablePages: 28,
};

describe("ingestSummary", () => {
  it("counts, and says what is missing", () => {
    const text = ingestSummary({
      ...report,
      pagesWithoutText: 2,
      seconds: 12,
      pagesPerSecond: 2.5,
      skippedFiles: 1,
      failed: [{ name: "x.pdf", code: "file_encrypted", reason: '"x.pdf" needs a password' }],
    });
    expect(text).toBe(`reports: 2 added, 0 replaced, 1,500 unchanged, 1 failed
30 pages: 28 searchable, 2 without text that can be searched; 12 s, 2.5 pages/s
1 file of other kinds passed over
  failed: "x.pdf" needs a password (file_encrypted)
`);
  });

  it("says how many pages were read by OCR, and how fast", () => {
    const text = ingestSummary({ ...report, pagesReadByOcr: 3, ocrPagesPerSecond: 0.44 });
    expect(text).toContain("30 pages: 28 searchable (3 read by OCR at 0.4 pages/s); ");
  });

  it("shows the first ten page notices and counts the rest", () => {
    const pageNotices = Array.from({ length: 12 }, (_, at) => ({
      name: "a.pdf",
      page: at + 1,
      code: "render_timeout" as const,
      reason: `page ${at + 1}: it was not rendered`,
    }));
    const lines = ingestSummary({ ...report, pageNotices }).split("\n");
    expect(lines.filter((line) => line.includes("it was not rendered"))).toHaveLength(10);
    expect(lines).toContain("  … and 2 more pages");
  });

  it("says when the codebook does not fit what was added", () => {
    expect(ingestSummary({ ...report, drift: MAX_CODEBOOK_DRIFT })).not.toContain("another kind");
    expect(ingestSummary({ ...report, drift: 2.08 })).toContain(
      "reports got pages of another kind, 2.08 times as far from its codebook as what it was trained on",
    );
  });

  it("says that an interrupted ingestion can go on", () => {
    expect(ingestSummary({ ...report, interrupted: true })).toMatch(/run it again for the rest\n$/);
  });
});

describe("ingestExitCode", () => {
  it("is 0, 3 for failed files, 130 for an interruption", () => {
    const failed = [{ name: "x", code: "file_empty" as const, reason: "" }];
    expect(ingestExitCode(report)).toBe(0);
    expect(ingestExitCode({ ...report, failed })).toBe(3);
    expect(ingestExitCode({ ...report, failed, interrupted: true })).toBe(130);
  });
});
