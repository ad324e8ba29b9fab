/**
 * Office files to PDF by LibreOffice, in a process group with a folder and a profile of its own.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { MaxleafError, quote } from "../../../shared/errors.ts";
import { MAX_SOURCE_BYTES } from "../limits.ts";
import type { SourceFile } from "../rendered-page.ts";
import {
  MAX_OFFICE_BYTES,
  OFFICE_CPU_SECONDS,
  OFFICE_MEMORY_MB,
  OFFICE_OUTPUT_CHARS,
  OFFICE_TIMEOUT_MS,
} from "./limits.ts";
import { OFFICE_TYPES, type OfficeType } from "./office-type.ts";
import { findSoffice, OFFICE_PACKAGES } from "./soffice.ts";

export interface OfficeOptions {
  /** Where LibreOffice is; default: {@link findSoffice}. */
  soffice?: string | undefined;
  /** Instead of `OFFICE_TIMEOUT_MS`. */
  officeTimeoutMs?: number | undefined;
  /** Ends a conversion under way. */
  signal?: AbortSignal | undefined;
}

/** Limits that the kernel holds it to, then LibreOffice itself. macOS knows no limit of address space. */
const LIMITED = 'ulimit -v "$1" 2>/dev/null; ulimit -t "$2"; ulimit -f "$3"; shift 3; exec "$@"';
/** `ulimit -f` counts blocks of 512 bytes in some shells and of 1,024 in others. */
const FILE_BLOCK_BYTES = 512;

/** No macros, no embedded programs, and nothing loaded from addresses that the file names. */
const PROFILE = `<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <item oor:path="/org.openoffice.Office.Common/Security/Scripting">
    <prop oor:name="DisableMacrosExecution"><value>true</value></prop>
    <prop oor:name="DisableActiveContent"><value>true</value></prop>
    <prop oor:name="BlockUntrustedRefererLinks"><value>true</value></prop>
  </item>
</oor:items>
`;

/**
 * `file` as a PDF.
 *
 * Errors: `file_unsupported` without LibreOffice, saying what to install; `file_too_large` for the file or its PDF;
 * `render_timeout`; `file_unreadable` when LibreOffice makes no PDF of it.
 */
export async function convertOffice(
  file: SourceFile,
  type: OfficeType,
  options: OfficeOptions = {},
): Promise<Uint8Array> {
  const [ending] = OFFICE_TYPES[type];
  const soffice = options.soffice ?? findSoffice();
  if (soffice === undefined) {
    throw new MaxleafError(
      "file_unsupported",
      `${quote(file.name)} is a ${ending.slice(1).toUpperCase()} file, which needs LibreOffice: apt-get install ${OFFICE_PACKAGES} (or set MAXLEAF_SOFFICE)`,
    );
  }
  if (file.bytes.byteLength > MAX_OFFICE_BYTES) {
    const message = `${quote(file.name)} has ${file.bytes.byteLength} bytes; an office file may have ${MAX_OFFICE_BYTES}`;
    throw new MaxleafError("file_too_large", message);
  }
  const folder = await mkdtemp(join(tmpdir(), "maxleaf-office-"));
  try {
    const source = join(folder, `source${ending}`);
    const profile = join(folder, "profile");
    await mkdir(join(profile, "user"), { recursive: true });
    await writeFile(join(profile, "user/registrymodifications.xcu"), PROFILE);
    await writeFile(source, file.bytes);
    const output = await run(file.name, { soffice, folder, profile, source }, options);
    return await readPdf(file.name, join(folder, "source.pdf"), output);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

interface Conversion {
  soffice: string;
  folder: string;
  profile: string;
  source: string;
}

/** Gives the last of what LibreOffice said. It ends with 0 even when it failed: whether there is a PDF decides. */
async function run(
  name: string,
  { soffice, folder, profile, source }: Conversion,
  { officeTimeoutMs = OFFICE_TIMEOUT_MS, signal }: OfficeOptions,
): Promise<string> {
  const limits = [OFFICE_MEMORY_MB * 1_024, OFFICE_CPU_SECONDS, Math.ceil(MAX_SOURCE_BYTES / FILE_BLOCK_BYTES)];
  const command = [
    soffice,
    `-env:UserInstallation=${pathToFileURL(profile).href}`,
    "--headless",
    "--norestore",
    "--nolockcheck",
    "--nodefault",
    "--nologo",
    "--convert-to",
    "pdf",
    "--outdir",
    folder,
    source,
  ];
  const child = spawn("/bin/sh", ["-c", LIMITED, "sh", ...limits.map(String), ...command], {
    // A group of its own: soffice starts further processes, which end with it.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, TMPDIR: folder, LANG: "C.UTF-8" },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => (output = (output + String(chunk)).slice(-OFFICE_OUTPUT_CHARS)));
  }
  const endGroup = () => endProcessGroup(child.pid);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    endGroup();
  }, officeTimeoutMs);
  signal?.addEventListener("abort", endGroup, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", () => resolve());
      if (signal?.aborted === true) endGroup();
    });
  } catch (cause) {
    throw new MaxleafError("file_unsupported", `LibreOffice (${soffice}) cannot be started`, { cause });
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", endGroup);
    endGroup();
  }
  if (signal?.aborted === true) throw new MaxleafError("internal", `the conversion of ${quote(name)} was stopped`);
  if (timedOut) {
    throw new MaxleafError("render_timeout", `${quote(name)} was not converted after ${officeTimeoutMs / 1_000} s`);
  }
  return output;
}

function endProcessGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // All of it has ended already.
  }
}

async function readPdf(name: string, path: string, output: string): Promise<Uint8Array> {
  const size = await stat(path).then(
    (info) => info.size,
    () => undefined,
  );
  if (size === undefined || size === 0) {
    const said = output.replaceAll(/\s+/g, " ").trim();
    throw new MaxleafError(
      "file_unreadable",
      `${quote(name)} cannot be converted by LibreOffice: it is damaged, locked with a password, or needs too much memory${said === "" ? "" : ` (${said})`}`,
    );
  }
  if (size > MAX_SOURCE_BYTES) {
    throw new MaxleafError(
      "file_too_large",
      `${quote(name)} becomes a PDF of ${size} bytes; the limit is ${MAX_SOURCE_BYTES}`,
    );
  }
  return await readFile(path);
}
