/**
 * The geometry record of a page: where each vector sits.
 *
 * @module
 */
import { NO_REGION, type PageGeometry } from "../page.ts";
import type { GeometryKind } from "../recipe/recipe.ts";
import { ByteReader, ByteWriter, corrupt } from "./bytes.ts";

const KIND_CODES = { words: 1, regions: 2, grid: 3 } as const satisfies Record<GeometryKind, number>;
const KIND_OF_CODE: Readonly<Partial<Record<number, GeometryKind>>> = { 1: "words", 2: "regions", 3: "grid" };
const COORDINATES_PER_BOX = 4;

export function encodeGeometry(geometry: PageGeometry): Uint8Array {
  return new ByteWriter()
    .u8(KIND_CODES[geometry.kind])
    .u8(0)
    .u16(geometry.columns)
    .u16(geometry.rows)
    .u16(geometry.boxes.length / COORDINATES_PER_BOX)
    .array(geometry.regionOfVector)
    .array(geometry.boxes)
    .finish();
}

/** The geometry of a page of `vectorCount` vectors. Throws `corrupt_data`, also for a vector in a region that is not there. */
export function decodeGeometry(bytes: Uint8Array, vectorCount: number, what: string): PageGeometry {
  const reader = new ByteReader(bytes, what);
  const kind = KIND_OF_CODE[reader.u8("kind")];
  reader.u8("reserved");
  if (kind === undefined) throw corrupt(what, "its kind is unknown");
  const columns = reader.u16("columns");
  const rows = reader.u16("rows");
  const boxCount = reader.u16("box count");
  const regionOfVector = reader.u16Array(vectorCount, "regions of vectors");
  const boxes = reader.u16Array(boxCount * COORDINATES_PER_BOX, "boxes");
  reader.expectEnd();
  const geometry = { kind, boxes, columns, rows, regionOfVector };
  const problem = geometryProblem(geometry, vectorCount);
  if (problem !== undefined) throw corrupt(what, problem);
  return geometry;
}

/** Why `geometry` cannot be that of a page with `vectorCount` vectors; undefined when it can. */
export function geometryProblem(geometry: PageGeometry, vectorCount: number): string | undefined {
  const { kind, boxes, columns, rows, regionOfVector } = geometry;
  if (regionOfVector.length !== vectorCount) return `it places ${regionOfVector.length} of ${vectorCount} vectors`;
  if (boxes.length % COORDINATES_PER_BOX !== 0) return `${boxes.length} coordinates are no whole number of boxes`;
  if (kind === "grid" && boxes.length > 0) return "a grid has no boxes";
  if (kind !== "grid" && (columns > 0 || rows > 0)) return `geometry of ${kind} has no columns and rows`;
  const regionCount = kind === "grid" ? columns * rows : boxes.length / COORDINATES_PER_BOX;
  if (regionCount > NO_REGION) return `${regionCount} regions are more than ${NO_REGION}`;
  const outside = regionOfVector.find((region) => region !== NO_REGION && region >= regionCount);
  return outside === undefined ? undefined : `a vector sits in region ${outside} of ${regionCount}`;
}
