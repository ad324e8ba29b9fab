/**
 * What an object below an index is, by its key: the inverse of `shared/store/layout.ts`.
 *
 * @module
 */
import { layout } from "../../shared/store/layout.ts";
import { listAll } from "./list-all.ts";

/** Every kind, in the order in which reports name them. */
export const OBJECT_KINDS = [
  "current",
  "manifest",
  "codebook",
  "segment",
  "vectors",
  "inverted",
  "lexical",
  "overlay",
  "source",
  "image",
  "thumbnail",
  "clock",
  "unknown",
] as const;
export type ObjectKind = (typeof OBJECT_KINDS)[number];

/** What a key says of its object. `unknown` is what no version of Maxleaf that this one knows of writes. */
export type ParsedKey =
  | { kind: "current" | "clock" | "unknown" }
  | { kind: "manifest"; version: number }
  /** `id`: of the codebook, the segment, the inverted file or the overlay. */
  | { kind: "codebook" | "segment" | "vectors" | "inverted" | "lexical" | "overlay"; id: string }
  /** `revision`: see {@link revisionKey}. `page`: 0 for a source. */
  | { kind: "source" | "image" | "thumbnail"; revision: string; page: number };

const MANIFEST = /^manifests\/(\d{12,16})$/;
const CODEBOOK = /^codebooks\/([0-9A-Za-z-]+)$/;
const SEGMENT = /^segments\/([0-9A-Za-z-]+)(\.vectors)?$/;
const INVERTED = /^inverted\/([0-9A-Za-z-]+)(\.lexical)?(?:\.\d+)?$/;
const OVERLAY = /^overlays\/([0-9A-Za-z-]+)$/;
const DOCUMENT = /^documents\/([0-9a-z-]+\/[0-9a-z-]+)\/(?:source|pages\/([1-9]\d*)(\.thumb)?\.webp)$/i;
const CLOCK = /^maintenance\/[0-9a-f-]+$/;

/** One version of one document among an index's: the part of its keys that only it has. */
export function revisionKey({ id, revision }: { id: string; revision: string }): string {
  return `${id}/${revision}`;
}

/** Where the objects of `revision` ({@link revisionKey}) lie. */
export function revisionPrefix(index: string, revision: string): string {
  const [id = "", of = ""] = revision.split("/");
  return layout.revision(index, id, of);
}

/** An object of {@link storeNowMs} that lies below `index`. */
export function clockKey(index: string, id: string): string {
  return `${layout.index(index)}maintenance/${id}`;
}

/** @param relativeKey the key without `layout.index(…)`. */
export function parseRelativeKey(relativeKey: string): ParsedKey {
  if (relativeKey === "CURRENT") return { kind: "current" };
  if (CLOCK.test(relativeKey)) return { kind: "clock" };
  const manifest = MANIFEST.exec(relativeKey);
  if (manifest !== null) return parseVersion(manifest[1] ?? "");
  const codebook = CODEBOOK.exec(relativeKey);
  if (codebook !== null) return { kind: "codebook", id: codebook[1] ?? "" };
  const segment = SEGMENT.exec(relativeKey);
  if (segment !== null) return { kind: segment[2] === undefined ? "segment" : "vectors", id: segment[1] ?? "" };
  const inverted = INVERTED.exec(relativeKey);
  if (inverted !== null) return { kind: inverted[2] === undefined ? "inverted" : "lexical", id: inverted[1] ?? "" };
  const overlay = OVERLAY.exec(relativeKey);
  if (overlay !== null) return { kind: "overlay", id: overlay[1] ?? "" };
  const document = DOCUMENT.exec(relativeKey);
  if (document !== null) return parseDocument(document);
  return { kind: "unknown" };
}

function parseVersion(digits: string): ParsedKey {
  const version = Number(digits);
  return Number.isSafeInteger(version) && version > 0 ? { kind: "manifest", version } : { kind: "unknown" };
}

function parseDocument([, revision = "", page, thumb]: RegExpExecArray): ParsedKey {
  if (page === undefined) return { kind: "source", revision, page: 0 };
  return { kind: thumb === undefined ? "image" : "thumbnail", revision, page: Number(page) };
}

/** The versions of manifests that are stored, ascending, with what the listing says of them. */
export async function listManifests(
  store: Parameters<typeof listAll>[0],
  index: string,
): Promise<{ version: number; key: string; bytes: number; lastModifiedMs: number }[]> {
  const found: { version: number; key: string; bytes: number; lastModifiedMs: number }[] = [];
  const prefix = layout.index(index);
  for await (const { key, size, lastModifiedMs } of listAll(store, layout.manifests(index))) {
    const parsed = parseRelativeKey(key.slice(prefix.length));
    if (parsed.kind === "manifest") found.push({ version: parsed.version, key, bytes: size, lastModifiedMs });
  }
  return found;
}
