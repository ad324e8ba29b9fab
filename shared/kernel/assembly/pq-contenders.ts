/**
 * Which vectors of a page come near the best of some query token by their codes: those whose exact vectors are looked at.
 *
 * @module
 */
import { LANE_ROW_I16 } from "./lanes";
import {
  biasOf,
  lowSums,
  sumOfCodes,
  sumOfFour,
  sumOfFourSecond,
  sumOfNextFour,
  sumOfNextFourSecond,
  TABLE,
} from "./pq-maxsim";

/**
 * `masks` u32 [count]: of every vector the lanes, a bit each, in which it scores at least `floors` i16 [32]. A floor of 32,767
 * keeps a lane out.
 */
export function pqContenders(
  ids: usize,
  codes: usize,
  count: i32,
  subspaces: i32,
  lanes: i32,
  pqRows: usize,
  tables: usize,
  floors: usize,
  masks: usize,
): void {
  if (lanes > 16) contendersOfThirtyTwo(ids, codes, count, subspaces, pqRows, tables, floors, masks);
  else contendersOfSixteen(ids, codes, count, subspaces, pqRows, tables, floors, masks);
}

function contendersOfThirtyTwo(
  ids: usize,
  codes: usize,
  count: i32,
  subspaces: i32,
  pqRows: usize,
  tables: usize,
  floors: usize,
  masks: usize,
): void {
  const bias = biasOf(subspaces);
  const f0 = i16x8.add_sat_s(v128.load(floors), bias);
  const f1 = i16x8.add_sat_s(v128.load(floors, 16), bias);
  const f2 = i16x8.add_sat_s(v128.load(floors, 32), bias);
  const f3 = i16x8.add_sat_s(v128.load(floors, 48), bias);
  for (const idEnd = ids + ((<usize>count) << 1); ids < idEnd; ids += 2, masks += 4) {
    const row = pqRows + <usize>load<u16>(ids) * LANE_ROW_I16;
    let words = i16x8.splat(0);
    let highs = words;
    let secondWords = words;
    let secondHighs = words;
    let table = tables;
    const codeEnd = codes + subspaces;
    for (; codes + 8 <= codeEnd; codes += 8) {
      const a = table + ((<usize>load<u8>(codes)) << 5);
      const b = table + ((<usize>load<u8>(codes, 1)) << 5);
      const c = table + ((<usize>load<u8>(codes, 2)) << 5);
      const d = table + ((<usize>load<u8>(codes, 3)) << 5);
      const e = table + ((<usize>load<u8>(codes, 4)) << 5);
      const f = table + ((<usize>load<u8>(codes, 5)) << 5);
      const g = table + ((<usize>load<u8>(codes, 6)) << 5);
      const h = table + ((<usize>load<u8>(codes, 7)) << 5);
      const first = i8x16.add(sumOfFour(a, b, c, d), sumOfNextFour(e, f, g, h));
      words = i16x8.add(words, first);
      highs = i16x8.add(highs, i16x8.shr_u(first, 8));
      const second = i8x16.add(sumOfFourSecond(a, b, c, d), sumOfNextFourSecond(e, f, g, h));
      secondWords = i16x8.add(secondWords, second);
      secondHighs = i16x8.add(secondHighs, i16x8.shr_u(second, 8));
      table += 8 * TABLE;
    }
    if (codes < codeEnd) {
      const a = table + ((<usize>load<u8>(codes)) << 5);
      const b = table + ((<usize>load<u8>(codes, 1)) << 5);
      const c = table + ((<usize>load<u8>(codes, 2)) << 5);
      const d = table + ((<usize>load<u8>(codes, 3)) << 5);
      const first = sumOfFour(a, b, c, d);
      words = i16x8.add(words, first);
      highs = i16x8.add(highs, i16x8.shr_u(first, 8));
      const second = sumOfFourSecond(a, b, c, d);
      secondWords = i16x8.add(secondWords, second);
      secondHighs = i16x8.add(secondHighs, i16x8.shr_u(second, 8));
      codes += 4;
    }
    const first = lanesAbove(
      i16x8.ge_s(i16x8.add(v128.load(row), lowSums(words, highs)), f0),
      i16x8.ge_s(i16x8.add(v128.load(row, 16), highs), f1),
    );
    const second = lanesAbove(
      i16x8.ge_s(i16x8.add(v128.load(row, 32), lowSums(secondWords, secondHighs)), f2),
      i16x8.ge_s(i16x8.add(v128.load(row, 48), secondHighs), f3),
    );
    store<u32>(masks, first | (second << 16));
  }
}

function contendersOfSixteen(
  ids: usize,
  codes: usize,
  count: i32,
  subspaces: i32,
  pqRows: usize,
  tables: usize,
  floors: usize,
  masks: usize,
): void {
  const bias = biasOf(subspaces);
  const f0 = i16x8.add_sat_s(v128.load(floors), bias);
  const f1 = i16x8.add_sat_s(v128.load(floors, 16), bias);
  for (const idEnd = ids + ((<usize>count) << 1); ids < idEnd; ids += 2, masks += 4) {
    const row = pqRows + <usize>load<u16>(ids) * LANE_ROW_I16;
    let words = i16x8.splat(0);
    let highs = words;
    let table = tables;
    const codeEnd = codes + subspaces;
    for (; codes + 8 <= codeEnd; codes += 8) {
      const sum = i8x16.add(sumOfCodes(codes, table), sumOfCodes(codes + 4, table + 4 * TABLE));
      words = i16x8.add(words, sum);
      highs = i16x8.add(highs, i16x8.shr_u(sum, 8));
      table += 8 * TABLE;
    }
    if (codes < codeEnd) {
      const sum = sumOfCodes(codes, table);
      words = i16x8.add(words, sum);
      highs = i16x8.add(highs, i16x8.shr_u(sum, 8));
      codes += 4;
    }
    const above = lanesAbove(
      i16x8.ge_s(i16x8.add(v128.load(row), lowSums(words, highs)), f0),
      i16x8.ge_s(i16x8.add(v128.load(row, 16), highs), f1),
    );
    store<u32>(masks, above);
  }
}

/** A bit for every lane of two comparisons of eight. */
function lanesAbove(low: v128, high: v128): u32 {
  return <u32>i8x16.bitmask(i8x16.narrow_i16x8_s(low, high));
}
