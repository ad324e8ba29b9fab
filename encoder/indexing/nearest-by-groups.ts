/**
 * Nearest rows among many, in two levels: the groups whose means are nearest to a point, then the rows of those groups.
 * Rows of a group are adjacent.
 *
 * @module
 */
import type { Matrix, MatrixRunner } from "./matrix-runner.ts";
import { halfSquaredNorms } from "./matrix-runner.ts";
import { meanRows } from "./rows.ts";

/** Groups looked into for every point. */
export const GROUPS_PER_POINT = 8;
/** Points of one run over the groups: enough that each group gets a product worth its call (256 points of 8,192 · 8 / 256). */
const POINTS_PER_RUN = 16_384;

export class NearestByGroups {
  readonly #runner: MatrixRunner;
  readonly #rows: Matrix;
  readonly #bias: Float32Array;
  readonly #offsets: Uint32Array;
  readonly #means: Matrix;
  readonly #meansBias: Float32Array<ArrayBuffer>;
  readonly #groupsPerPoint: number;

  /**
   * @param offsets group g has the rows `offsets[g] … offsets[g + 1]`; none may be without rows unless all are in others.
   * @param bias added to every row's products, as in `MatrixRunner.nearestRows`.
   */
  constructor(
    runner: MatrixRunner,
    rows: Matrix,
    offsets: Uint32Array,
    { bias = new Float32Array(rows.count), groupsPerPoint = GROUPS_PER_POINT } = {},
  ) {
    this.#runner = runner;
    this.#rows = rows;
    this.#bias = bias;
    this.#offsets = offsets.filter((offset, group) => group === 0 || offset !== offsets[group - 1]);
    this.#means = meanRows(rows, this.#offsets);
    this.#meansBias = halfSquaredNorms(this.#means.values, rows.dim);
    this.#groupsPerPoint = Math.min(groupsPerPoint, this.#means.count);
  }

  /** For every point the best row of its nearest groups, `[points.count]`. */
  async nearest(points: Matrix): Promise<Int32Array> {
    const ids = new Int32Array(points.count);
    const { dim } = points;
    for (let first = 0; first < points.count; first += POINTS_PER_RUN) {
      const count = Math.min(POINTS_PER_RUN, points.count - first);
      const values = points.values.subarray(first * dim, (first + count) * dim);
      await this.#nearestInRun({ values, count, dim }, ids.subarray(first, first + count));
    }
    return ids;
  }

  async #nearestInRun(points: Matrix, ids: Int32Array): Promise<void> {
    const perPoint = this.#groupsPerPoint;
    const groups = await this.#runner.nearestRowsRanked(points, this.#means, perPoint, this.#meansBias);
    const best = new Float32Array(points.count).fill(-Infinity);
    const { starts, members } = pointsByGroup(groups, this.#means.count, perPoint);
    const gathered = new Float32Array(largestGroup(starts) * points.dim);
    for (let group = 0; group < this.#means.count; group++) {
      const own = members.subarray(starts[group], starts[group + 1]);
      if (own.length === 0) continue;
      const first = this.#offsets[group] ?? 0;
      const found = await this.#runner.nearestRowsScored(
        gatherInto(gathered, points, own),
        this.#rowsOf(group),
        this.#bias.subarray(first, this.#offsets[group + 1]),
      );
      for (let position = 0; position < own.length; position++) {
        const point = own[position] ?? 0;
        const score = found.scores[position] ?? -Infinity;
        if (score <= (best[point] ?? 0)) continue;
        best[point] = score;
        ids[point] = first + (found.ids[position] ?? 0);
      }
    }
  }

  #rowsOf(group: number): Matrix {
    const { values, dim } = this.#rows;
    const first = this.#offsets[group] ?? 0;
    const end = this.#offsets[group + 1] ?? first;
    return { values: values.subarray(first * dim, end * dim), count: end - first, dim };
  }
}

/** The most points that look into one group. */
function largestGroup(starts: Uint32Array): number {
  let most = 0;
  for (let group = 1; group < starts.length; group++) {
    most = Math.max(most, (starts[group] ?? 0) - (starts[group - 1] ?? 0));
  }
  return most;
}

/** Rows of `points`, in `buffer`: all groups of a run together copy every point as often as it looks into groups. */
function gatherInto(buffer: Float32Array, { values, dim }: Matrix, rows: Uint32Array): Matrix {
  for (let position = 0; position < rows.length; position++) {
    const row = rows[position] ?? 0;
    buffer.set(values.subarray(row * dim, (row + 1) * dim), position * dim);
  }
  return { values: buffer.subarray(0, rows.length * dim), count: rows.length, dim };
}

/** Points by the groups they look into: group g has `members[starts[g] … starts[g + 1]]`, ascending. */
function pointsByGroup(
  groups: Int32Array,
  groupCount: number,
  perPoint: number,
): { starts: Uint32Array; members: Uint32Array } {
  const starts = new Uint32Array(groupCount + 1);
  for (const group of groups) starts[group + 1] = (starts[group + 1] ?? 0) + 1;
  for (let group = 0; group < groupCount; group++) starts[group + 1] = (starts[group + 1] ?? 0) + (starts[group] ?? 0);
  const next = starts.slice(0, groupCount);
  const members = new Uint32Array(groups.length);
  groups.forEach((group, at) => {
    const place = next[group] ?? 0;
    members[place] = Math.floor(at / perPoint);
    next[group] = place + 1;
  });
  return { starts, members };
}
