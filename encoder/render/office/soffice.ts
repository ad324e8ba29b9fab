/**
 * Where LibreOffice is.
 *
 * @module
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Packages with all that is needed and no desktop, for messages. */
export const OFFICE_PACKAGES = "libreoffice-writer-nogui libreoffice-impress-nogui libreoffice-calc-nogui";

const PROGRAMS = ["soffice", "libreoffice"];
/** Where macOS keeps it, which is on no PATH. */
const MAC_PROGRAM = "/Applications/LibreOffice.app/Contents/MacOS/soffice";

/** The program's path: `MAXLEAF_SOFFICE`, or `soffice` on the PATH; undefined when there is none. */
export function findSoffice(env: Readonly<Record<string, string | undefined>> = process.env): string | undefined {
  const given = env["MAXLEAF_SOFFICE"];
  if (given !== undefined && given !== "") return isProgram(given) ? given : undefined;
  const folders = (env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const candidates = folders.flatMap((folder) => PROGRAMS.map((program) => join(folder, program)));
  return [...candidates, MAC_PROGRAM].find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
