/**
 * Finds the files to ingest and names their documents.
 *
 * @module
 */
import { readdir, realpath, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { isIngestible } from "../render/file-kind.ts";

/** A file and the name its document gets. */
export interface FoundFile {
  /** Path relative to the given folder, with `/`; a file given by itself is called by its own name. */
  name: string;
  path: string;
  bytes: number;
  /** Of this document; see `IngestOptions.metadata`. */
  metadata?: Readonly<Record<string, string>> | undefined;
}

export interface Discovery {
  /** By name. */
  files: FoundFile[];
  /** Files in folders whose names promise nothing that can be rendered. */
  skipped: number;
  /** What could not be looked into. */
  unreadable: { path: string; reason: string }[];
}

/**
 * Walks through files and folders. Hidden entries are skipped. Links are followed, each folder once, so that a loop
 * ends. A file that is given by itself is taken whatever it is called.
 *
 * Errors: `invalid_request` when a path does not exist, two files would be one document, or nothing was found.
 */
export async function discoverFiles(paths: readonly string[]): Promise<Discovery> {
  const walk = new Walk();
  for (const path of paths) await walk.addRoot(path);
  if (walk.files.size === 0 && walk.unreadable.length === 0) {
    const skipped = walk.skipped === 0 ? "" : ` (${walk.skipped} other files)`;
    throw new MaxleafError(
      "invalid_request",
      `no PDF, image or office file in ${paths.map((path) => quote(path)).join(", ")}${skipped}`,
    );
  }
  const files = [...walk.files.values()].map(({ file }) => file).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return { files, skipped: walk.skipped, unreadable: walk.unreadable };
}

class Walk {
  readonly files = new Map<string, { file: FoundFile; realPath: string }>();
  readonly unreadable: Discovery["unreadable"] = [];
  skipped = 0;

  async addRoot(path: string): Promise<void> {
    const info = await stat(path).catch((cause: unknown) => {
      throw new MaxleafError("invalid_request", `${quote(path)} cannot be read: ${reasonOf(cause)}`, { cause });
    });
    if (info.isDirectory()) await this.#addFolder(resolve(path), "", new Set());
    else if (info.isFile()) await this.#addFile(path, basename(resolve(path)), info.size);
    else throw new MaxleafError("invalid_request", `${quote(path)} is neither a file nor a folder`);
  }

  /** @param above - Real paths of the folders on the way here and beside it: none is entered twice. */
  async #addFolder(folder: string, prefix: string, above: Set<string>): Promise<void> {
    const realPath = await realpath(folder);
    if (above.has(realPath)) return;
    above.add(realPath);
    const names = await readdir(folder).catch((cause: unknown) => this.#skip(folder, cause));
    for (const name of names.toSorted((a, b) => (a < b ? -1 : 1))) {
      if (!name.startsWith(".")) await this.#addEntry(join(folder, name), prefix + name, above);
    }
  }

  async #addEntry(path: string, name: string, above: Set<string>): Promise<void> {
    let info;
    try {
      info = await stat(path);
    } catch (cause) {
      // A link to nowhere, or a file that was removed meanwhile.
      this.#skip(path, cause);
      return;
    }
    if (info.isDirectory()) await this.#addFolder(path, `${name}/`, above);
    else if (info.isFile() && isIngestible(name)) await this.#addFile(path, name, info.size);
    else this.skipped++;
  }

  async #addFile(path: string, givenName: string, bytes: number): Promise<void> {
    // macOS hands out decomposed letters: the same file must be the same document everywhere.
    const name = givenName.normalize("NFC");
    const realPath = await realpath(path);
    const other = this.files.get(name);
    if (other === undefined) this.files.set(name, { file: { name, path, bytes }, realPath });
    else if (other.realPath !== realPath) {
      throw new MaxleafError(
        "invalid_request",
        `${quote(other.file.path)} and ${quote(path)} would both be the document ${quote(name)}: give a folder above both, or use two indexes`,
      );
    }
  }

  #skip(path: string, cause: unknown): [] {
    this.unreadable.push({ path, reason: reasonOf(cause) });
    return [];
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "it does not exist",
  EACCES: "permission denied",
  ELOOP: "its links form a loop",
};

/** Why a file system call failed, in words. */
export function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : "";
  return REASONS[code] ?? cause.message;
}
