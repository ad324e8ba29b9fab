/**
 * Tables in parquet files, as the hub keeps data sets: `corpus/test-00000-of-00002.parquet`.
 *
 * @module
 */
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import { quote } from "../../../shared/errors.ts";
import { invalid } from "./dataset.ts";

export type Cell = unknown;
export type Row = Record<string, Cell>;

/**
 * Bytes of a row group in memory. `datasets` writes 100 pictures to a group, and ViDoRe's pages have up to 2 MB; a damaged file may
 * claim anything.
 */
const MAX_ROW_GROUP_BYTES = 2 * 1024 ** 3;

/** Parquet files in `folder`, sorted; none when there is no such folder. */
export async function findParquet(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => name.endsWith(".parquet")).toSorted();
}

interface Group {
  file: string;
  firstRow: number;
  rowCount: number;
}

/** The rows of one split of a table, which may lie in several files. */
export class ParquetTable {
  readonly columns: ReadonlySet<string>;
  readonly rowCount: number;
  /** Changes when a file is replaced by one of another size or time. */
  readonly version: string;
  readonly #groups: readonly Group[];
  /** The group read last by {@link cell}: rows are asked for in order. */
  #held: { group: Group; column: string; rows: Promise<Row[]> } | undefined;

  private constructor(groups: Group[], columns: ReadonlySet<string>, version: string) {
    this.#groups = groups;
    this.columns = columns;
    this.version = version;
    this.rowCount = groups.reduce((sum, group) => sum + group.rowCount, 0);
  }

  /**
   * The files of `split` in `folder`: `test-00000-of-00001.parquet` or `test.parquet`. Without a split: those of `test` or, if there
   * is only one split, of that.
   *
   * @throws MaxleafError `invalid_request` for an unknown split, a file that is no parquet, or a missing column.
   */
  static async open(folder: string, split: string | undefined, needed: readonly string[]): Promise<ParquetTable> {
    const files = await splitFiles(folder, split);
    const groups: Group[] = [];
    let columns = new Set<string>();
    const versions: string[] = [];
    for (const file of files) {
      const { names, groups: ofFile } = await readFooter(file);
      columns = new Set(names);
      groups.push(...ofFile);
      const { size, mtimeMs } = await stat(file);
      versions.push(`${path.basename(file)} ${size} ${mtimeMs}`);
      const missing = needed.find((name) => !columns.has(name));
      if (missing !== undefined) {
        throw invalid(`${file} has no column ${quote(missing)}; it has ${[...columns].join(", ")}`);
      }
    }
    return new ParquetTable(groups, columns, versions.join("; "));
  }

  /** All rows, of the given columns. Integers of 64 bits come as `bigint`, binary columns as bytes. */
  async rows(columns: readonly string[]): Promise<{ where: string; row: Row }[]> {
    const rows: { where: string; row: Row }[] = [];
    for (const group of this.#groups) {
      const ofGroup = await readGroup(group, columns);
      ofGroup.forEach((row, at) => rows.push({ where: `${group.file}, row ${group.firstRow + at + 1}`, row }));
    }
    return rows;
  }

  /** One cell. Reads a whole row group, which is kept until another is asked for. */
  async cell(row: number, column: string): Promise<Cell> {
    let before = 0;
    for (const group of this.#groups) {
      if (row < before + group.rowCount) {
        if (this.#held?.group !== group || this.#held.column !== column) {
          this.#held = { group, column, rows: readGroup(group, [column]) };
        }
        return (await this.#held.rows)[row - before]?.[column];
      }
      before += group.rowCount;
    }
    throw new RangeError(`row ${row} of ${this.rowCount}`);
  }
}

const DEFAULT_SPLIT = "test";

async function splitFiles(folder: string, split: string | undefined): Promise<string[]> {
  const bySplit = Map.groupBy(await findParquet(folder), (name) => name.replace(/(-\d+-of-\d+)?\.parquet$/, ""));
  const [only] = bySplit.keys();
  const wanted = split ?? (bySplit.size === 1 && only !== undefined ? only : DEFAULT_SPLIT);
  const names = bySplit.get(wanted);
  if (names === undefined) {
    throw invalid(`${folder} has no split ${quote(wanted)}; it has ${[...bySplit.keys()].join(", ") || "none"}`);
  }
  return names.map((name) => path.join(folder, name));
}

async function readFooter(file: string): Promise<{ names: string[]; groups: Group[] }> {
  const metadata = await parsing(file, async () => await parquetMetadataAsync(await asyncBufferFromFile(file)));
  const groups: Group[] = [];
  let firstRow = 0;
  for (const group of metadata.row_groups) {
    if (group.total_byte_size > MAX_ROW_GROUP_BYTES) {
      throw invalid(`${file} has a row group of ${group.total_byte_size} bytes; ${MAX_ROW_GROUP_BYTES} are read`);
    }
    const rowCount = Number(group.num_rows);
    groups.push({ file, firstRow, rowCount });
    firstRow += rowCount;
  }
  return { names: parquetSchema(metadata).children.map(({ element }) => element.name), groups };
}

async function readGroup({ file, firstRow, rowCount }: Group, columns: readonly string[]): Promise<Row[]> {
  const rows = await parsing(file, async () => {
    const buffer = await asyncBufferFromFile(file);
    const range = { rowStart: firstRow, rowEnd: firstRow + rowCount };
    return await parquetReadObjects({ file: buffer, columns: [...columns], ...range, compressors, utf8: false });
  });
  if (rows.length !== rowCount) throw invalid(`${file} has ${rows.length} rows where its footer says ${rowCount}`);
  return rows;
}

async function parsing<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw invalid(`${file} cannot be read as parquet: ${reason}`, cause);
  }
}
