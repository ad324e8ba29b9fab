/**
 * Office files that LibreOffice turns into pages, and those of their family that are refused.
 *
 * @module
 */

/** Media types and the file name endings that promise them. */
export const OFFICE_TYPES = {
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": [".docx"],
  "application/vnd.openxmlformats-officedocument.presentationml.presentation": [".pptx"],
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": [".xlsx"],
  "application/vnd.oasis.opendocument.text": [".odt"],
  "application/vnd.oasis.opendocument.presentation": [".odp"],
  "application/vnd.oasis.opendocument.spreadsheet": [".ods"],
} as const satisfies Record<string, readonly [`.${string}`]>;

export type OfficeType = keyof typeof OFFICE_TYPES;

export function isOfficeType(type: string): type is OfficeType {
  return Object.hasOwn(OFFICE_TYPES, type);
}

/** `application/vnd.ms-word.document.macroenabled.12` and its like. */
export function isMacroType(type: string): boolean {
  return /^application\/vnd\.ms-.*macroenabled/i.test(type);
}

/** Compound files: Office before 2007, and newer files that are locked with a password. */
export const COMPOUND_FILE_TYPE = "application/x-cfb";

/** The stream that has the encrypted file, as its name stands in a compound file's directory: UTF-16. */
const ENCRYPTED_STREAM = Buffer.from("EncryptedPackage", "utf16le");

/** Whether a compound file is an office file that is locked with a password. */
export function isEncryptedPackage(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(ENCRYPTED_STREAM);
}
