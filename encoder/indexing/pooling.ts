/**
 * Token pooling: the vectors of a page that say nearly the same become one, their mean. Clusters are found by Ward's
 * method, as Clavié, Chaffin and Adams do ("Reducing the Footprint of Multi-Vector Retrieval with Minimal Performance Impact
 * via Token Pooling", 2024) and colpali-engine's `HierarchicalTokenPooler`. Those two hand SciPy the matrix of cosine
 * distances where it expects points; here Ward's criterion is that of the vectors themselves.
 *
 * @module
 */
import { type EncodedPage, NO_REGION } from "../../shared/page.ts";
import type { Matrix } from "./matrix-runner.ts";

/**
 * Vectors clustered at once; a longer page is cut into runs of this many in reading order. Their table of distances takes
 * 32 MiB. ColPali's pages have 1,031 vectors, those of filings 718 on average.
 */
export const MAX_POOLED_TOGETHER = 2_048;

/** Two clusters that become one; a cluster is named by its lowest vector. `distance` is Ward's, squared. */
interface Merge {
  a: number;
  b: number;
  distance: number;
}

/**
 * The page with one vector for every `factor` of it, rounded up. A pooled vector sits where the member nearest to it
 * sits; regions and text stay, so that the other members' words no longer light up in a heat map.
 *
 * @param dim values of a vector; every row of `page.vectors` has length 1, and so have the pooled ones.
 */
export function poolPage<Page extends EncodedPage>(page: Page, dim: number, factor: number): Page {
  if (factor <= 1 || page.vectorCount <= 1) return page;
  const { vectors, members } = poolVectors({ values: page.vectors, count: page.vectorCount, dim }, factor);
  const regionOfVector = Uint16Array.from(members, (cluster, row) => {
    return regionNearest(vectors.values.subarray(row * dim, (row + 1) * dim), page, cluster);
  });
  return {
    ...page,
    vectorCount: vectors.count,
    vectors: vectors.values,
    geometry: { ...page.geometry, regionOfVector },
  };
}

/** The mean directions of the clusters of `vectors` (rows of length 1), and the rows that each stands for. */
export function poolVectors(vectors: Matrix, factor: number): { vectors: Matrix; members: number[][] } {
  const members = clusterVectors(vectors, factor);
  return { vectors: meanDirections(vectors, members), members };
}

/** One row for every cluster: the mean of its members, scaled to length 1. */
export function meanDirections({ values, dim }: Matrix, clusters: readonly (readonly number[])[]): Matrix {
  const means = new Float32Array(clusters.length * dim);
  clusters.forEach((members, row) => writeMeanDirection(means.subarray(row * dim, (row + 1) * dim), values, members));
  return { values: means, count: clusters.length, dim };
}

/** Clusters of the rows of `vectors`, ⌈rows / factor⌉ of them: ascending rows, ordered by their first. */
export function clusterVectors({ values, count, dim }: Matrix, factor: number): number[][] {
  const clusters: number[][] = [];
  for (let first = 0; first < count; first += MAX_POOLED_TOGETHER) {
    const rows = Math.min(MAX_POOLED_TOGETHER, count - first);
    const run = { values: values.subarray(first * dim, (first + rows) * dim), count: rows, dim };
    for (const cluster of wardClusters(run, Math.ceil(rows / factor))) clusters.push(cluster.map((row) => first + row));
  }
  return clusters;
}

/** The rows of `vectors` in `wanted` clusters by Ward's method: ascending rows, ordered by their first. */
export function wardClusters(vectors: Matrix, wanted: number): number[][] {
  const clusterOf = Uint32Array.from({ length: vectors.count }, (_, row) => row);
  const rootOf = (row: number): number => {
    let root = row;
    while (clusterOf[root] !== root) root = clusterOf[root] ?? root;
    return root;
  };
  // The chain finds merges out of order. Merges never get cheaper as clusters grow, so the cheapest are the first.
  const merges = wardMerges(vectors).toSorted((x, y) => x.distance - y.distance);
  for (const { a, b } of merges.slice(0, vectors.count - wanted)) {
    const [low, high] = [rootOf(a), rootOf(b)].toSorted((x, y) => x - y);
    if (low !== undefined && high !== undefined) clusterOf[high] = low;
  }
  const clusters = new Map<number, number[]>();
  for (let row = 0; row < vectors.count; row++) {
    const root = rootOf(row);
    const cluster = clusters.get(root);
    if (cluster === undefined) clusters.set(root, [row]);
    else cluster.push(row);
  }
  return [...clusters.values()];
}

/**
 * All merges down to one cluster, by chains of nearest neighbours (Benzécri, 1982; Murtagh, "A Survey of Recent Advances in
 * Hierarchical Clustering Algorithms", 1983): O(rows²) time, the same tree as always merging the nearest pair.
 */
function wardMerges(vectors: Matrix): Merge[] {
  const { count } = vectors;
  const distances = squaredDistances(vectors);
  const sizes = new Uint32Array(count).fill(1);
  const active = Array.from({ length: count }, (_, row) => row);
  const merges: Merge[] = [];
  const chain: number[] = [];
  while (active.length > 1) {
    const top = chain.at(-1) ?? active[0] ?? 0;
    if (chain.length === 0) chain.push(top);
    const previous = chain.at(-2);
    const nearest = nearestCluster(distances, count, active, top, previous);
    if (nearest !== previous) {
      chain.push(nearest);
      continue;
    }
    chain.length -= 2;
    const merge = {
      a: Math.min(top, nearest),
      b: Math.max(top, nearest),
      distance: distances[top * count + nearest] ?? 0,
    };
    merges.push(merge);
    active.splice(active.indexOf(merge.b), 1);
    updateDistances(distances, count, active, sizes, merge);
    sizes[merge.a] = (sizes[merge.a] ?? 0) + (sizes[merge.b] ?? 0);
  }
  return merges;
}

/** Of equally near clusters `previous` wins: otherwise a chain among equals would never end. */
function nearestCluster(
  distances: Float64Array,
  count: number,
  active: readonly number[],
  from: number,
  previous: number | undefined,
): number {
  let best = previous ?? -1;
  let bestDistance = previous === undefined ? Infinity : (distances[from * count + previous] ?? Infinity);
  for (const candidate of active) {
    const distance = distances[from * count + candidate] ?? Infinity;
    if (candidate === from || distance >= bestDistance) continue;
    best = candidate;
    bestDistance = distance;
  }
  return best;
}

/** Distances of the cluster that `a` and `b` become, in the place of `a` (Lance and Williams, 1967). `sizes` are those before. */
function updateDistances(
  distances: Float64Array,
  count: number,
  active: readonly number[],
  sizes: Uint32Array,
  { a, b, distance }: Merge,
): void {
  const sizeA = sizes[a] ?? 0;
  const sizeB = sizes[b] ?? 0;
  for (const other of active) {
    if (other === a) continue;
    const size = sizes[other] ?? 0;
    const toA = (sizeA + size) * (distances[a * count + other] ?? 0);
    const toB = (sizeB + size) * (distances[b * count + other] ?? 0);
    const merged = (toA + toB - size * distance) / (sizeA + sizeB + size);
    distances[a * count + other] = merged;
    distances[other * count + a] = merged;
  }
}

/** Squared Euclidean distances of all pairs of rows, `[count, count]`. */
function squaredDistances({ values, count, dim }: Matrix): Float64Array {
  const distances = new Float64Array(count * count);
  for (let a = 0; a < count; a++) {
    for (let b = 0; b < a; b++) {
      let sum = 0;
      for (let i = 0; i < dim; i++) {
        const difference = (values[a * dim + i] ?? 0) - (values[b * dim + i] ?? 0);
        sum += difference * difference;
      }
      distances[a * count + b] = sum;
      distances[b * count + a] = sum;
    }
  }
  return distances;
}

/** The direction of the members' sum; of members that cancel out, the first one. */
function writeMeanDirection(target: Float32Array, vectors: Float32Array, members: readonly number[]): void {
  const dim = target.length;
  for (const member of members) {
    for (let i = 0; i < dim; i++) target[i] = (target[i] ?? 0) + (vectors[member * dim + i] ?? 0);
  }
  const norm = Math.hypot(...target);
  const first = (members[0] ?? 0) * dim;
  if (norm < MIN_MEAN_NORM) target.set(vectors.subarray(first, first + dim));
  else for (let i = 0; i < dim; i++) target[i] = (target[i] ?? 0) / norm;
}

/** Below it a sum of vectors of length 1 is rounding error without a direction. */
const MIN_MEAN_NORM = 1e-4;

/** The region of the member nearest to `mean`, of those that have one. */
function regionNearest(mean: Float32Array, { vectors, geometry }: EncodedPage, members: readonly number[]): number {
  const dim = mean.length;
  let region = NO_REGION;
  let best = -Infinity;
  for (const member of members) {
    const own = geometry.regionOfVector[member] ?? NO_REGION;
    let product = 0;
    for (let i = 0; i < dim; i++) product += (mean[i] ?? 0) * (vectors[member * dim + i] ?? 0);
    if (own === NO_REGION || product <= best) continue;
    best = product;
    region = own;
  }
  return region;
}
