/**
 * Damages bytes in the ways that disks, networks and attackers do.
 *
 * @module
 */
import type { Random } from "../../../shared/ports.ts";

const HUGE = [0xffff_ffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0x4000_0000, 0x00ff_ffff];
const HUGE_TEXTS = ["9007199254740993", "1e308", "-1", "4294967296", "1e999", "999999999999", "null", "[]", "{}", '""'];
const MAX_RUN_BYTES = 16;
const DEEP = 20_000;

const pick = (random: Random, count: number) => Math.floor(random.next() * count);

type Damage = (bytes: Uint8Array<ArrayBuffer>, random: Random) => Uint8Array<ArrayBuffer>;

const flipBits: Damage = (bytes, random) => {
  const flips = 1 + pick(random, 4);
  for (let flip = 0; flip < flips && bytes.length > 0; flip++) {
    const at = pick(random, bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << pick(random, 8));
  }
  return bytes;
};

const overwrite: Damage = (bytes, random) => {
  const at = pick(random, bytes.length);
  for (let i = at; i < Math.min(bytes.length, at + 1 + pick(random, MAX_RUN_BYTES)); i++) bytes[i] = pick(random, 256);
  return bytes;
};

/** A length or an offset that is far too large. Often near an end, where headers and footers are. */
const huge: Damage = (bytes, random) => {
  if (bytes.length < 4) return bytes;
  const near = pick(random, 3);
  const span = near === 0 ? bytes.length - 3 : Math.min(64, bytes.length - 3);
  const at = near === 2 ? bytes.length - 4 - pick(random, span) : pick(random, span);
  new DataView(bytes.buffer).setUint32(at, HUGE[pick(random, HUGE.length)] ?? 0, true);
  return bytes;
};

/** Another number, or none, in place of one of a JSON text. */
const hugeText: Damage = (bytes, random) => {
  const text = new TextDecoder().decode(bytes);
  const numbers = [...text.matchAll(/-?\d+(?:\.\d+)?/g)];
  const number = numbers[pick(random, numbers.length)];
  if (number === undefined) return flipBits(bytes, random);
  const other = HUGE_TEXTS[pick(random, HUGE_TEXTS.length)] ?? "";
  return new TextEncoder().encode(text.slice(0, number.index) + other + text.slice(number.index + number[0].length));
};

const remove: Damage = (bytes, random) => {
  const at = pick(random, bytes.length);
  const end = at + 1 + pick(random, MAX_RUN_BYTES);
  return Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(end)]);
};

const insert: Damage = (bytes, random) => {
  const at = pick(random, bytes.length + 1);
  const run = Array.from({ length: 1 + pick(random, MAX_RUN_BYTES) }, () => pick(random, 256));
  return Uint8Array.from([...bytes.subarray(0, at), ...run, ...bytes.subarray(at)]);
};

const truncate: Damage = (bytes, random) => bytes.slice(0, pick(random, bytes.length));
const cutFront: Damage = (bytes, random) => bytes.slice(pick(random, bytes.length));
const twice: Damage = (bytes) => Uint8Array.from([...bytes, ...bytes]);
const randomBytes: Damage = (bytes, random) => bytes.map(() => pick(random, 256));
const deep: Damage = () => new TextEncoder().encode("[".repeat(DEEP));
const zeros: Damage = (bytes) => new Uint8Array(bytes.length);

/** What keeps the number of bytes is tried more often: what does not is found by size alone. */
const SAME_SIZE: readonly Damage[] = [flipBits, flipBits, overwrite, huge, huge, randomBytes, zeros];
const ANY: readonly Damage[] = [
  ...SAME_SIZE,
  flipBits,
  hugeText,
  hugeText,
  remove,
  insert,
  truncate,
  cutFront,
  twice,
  deep,
];

/** A damaged copy of `bytes`. */
export function mutate(bytes: Uint8Array, random: Random, { sameSize = false } = {}): Uint8Array {
  const damages = sameSize ? SAME_SIZE : ANY;
  const damage = damages[pick(random, damages.length)] ?? flipBits;
  return damage(new Uint8Array(bytes), random);
}
