/**
 * Which files can be rendered: by name for walks through folders, by content for everything else.
 *
 * @module
 */
import { fileTypeFromBuffer } from "file-type";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { COMPOUND_FILE_TYPE, isEncryptedPackage, isMacroType, OFFICE_TYPES } from "./office/office-type.ts";

/** Media types that can be rendered, and the file name endings that promise them. */
export const INGESTIBLE_TYPES = {
  "application/pdf": [".pdf"],
  "image/png": [".png"],
  "image/jpeg": [".jpg", ".jpeg"],
  "image/webp": [".webp"],
  "image/tiff": [".tif", ".tiff"],
  ...OFFICE_TYPES,
} as const satisfies Record<string, readonly `.${string}`[]>;

export type IngestibleType = keyof typeof INGESTIBLE_TYPES;

const ENDINGS: readonly string[] = Object.values(INGESTIBLE_TYPES).flat();

/** What Office writes beside a document while it is open: no document, but with the document's ending. */
const OWNER_FILE = /(?:^|\/)~\$[^/]*$/;

/** Whether a file of this name promises to be renderable. A walk through a folder passes the others over. */
export function isIngestible(name: string): boolean {
  if (OWNER_FILE.test(name)) return false;
  const lower = name.toLowerCase();
  return ENDINGS.some((ending) => lower.endsWith(ending));
}

/** Readers look for the PDF header within this many bytes (ISO 32000-1, annex H, note 13); mail gateways put junk before it. */
const PDF_HEADER_WITHIN = 1_024;
const PDF_HEADER = "%PDF-";
/** file-type wants to see a TIFF's directory, which may stand at the end of the file: one that breaks off is still a TIFF. */
const TIFF_HEADERS = ["II*\0", "MM\0*"];
/** Enough to tell text from binary. */
const TEXT_SAMPLE_BYTES = 4_096;

/**
 * What `bytes` are, whatever the file is called.
 *
 * Errors: `file_empty`, `file_encrypted` for an office file with a password, `file_unsupported` (says what it is instead).
 */
export async function detectType(name: string, bytes: Uint8Array): Promise<IngestibleType> {
  if (bytes.byteLength === 0) throw new MaxleafError("file_empty", `${quote(name)} is empty (0 bytes)`);
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, PDF_HEADER_WITHIN)).toString(
    "latin1",
  );
  if (head.includes(PDF_HEADER)) return "application/pdf";
  if (TIFF_HEADERS.some((header) => head.startsWith(header))) return "image/tiff";
  const found = await fileTypeFromBuffer(bytes);
  if (found !== undefined && isIngestibleType(found.mime)) return found.mime;
  throw refusal(name, bytes, found);
}

function refusal(name: string, bytes: Uint8Array, found: { ext: string; mime: string } | undefined): MaxleafError {
  if (found?.mime === COMPOUND_FILE_TYPE) {
    if (isEncryptedPackage(bytes))
      return new MaxleafError("file_encrypted", `${quote(name)} is locked with a password`);
    const advice = "if it is of Office before 2007, save it as DOCX, PPTX or XLSX";
    return new MaxleafError("file_unsupported", `${quote(name)} is a compound file (${found.mime}); ${advice}`);
  }
  if (found !== undefined && isMacroType(found.mime)) {
    const advice = "save it without them, as DOCX, PPTX or XLSX";
    return new MaxleafError(
      "file_unsupported",
      `${quote(name)} is an office file with macros (${found.ext}); ${advice}`,
    );
  }
  const what = found === undefined ? describeUnknown(bytes) : `a ${found.ext.toUpperCase()} file (${found.mime})`;
  return new MaxleafError("file_unsupported", `${quote(name)} is ${what}; ${READABLE} files can be read`);
}

const READABLE = "PDF, PNG, JPEG, WebP, TIFF, DOCX, PPTX, XLSX, ODT, ODP and ODS";

function isIngestibleType(mime: string): mime is IngestibleType {
  return Object.hasOwn(INGESTIBLE_TYPES, mime);
}

function describeUnknown(bytes: Uint8Array): string {
  const sample = bytes.subarray(0, TEXT_SAMPLE_BYTES);
  if (sample.includes(0)) return "a binary file of an unknown kind";
  // `stream`: the sample may end inside a character.
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(sample, { stream: true });
    return "a plain text file";
  } catch {
    return "a file of an unknown kind";
  }
}
