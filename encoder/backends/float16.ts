/**
 * Half precision (IEEE 754 binary16), for graphs that take or give it. By bits, since what the runtime hands over depends on
 * the Node version: a `Uint16Array` before `Float16Array` existed, a `Float16Array` from Node 24 on.
 *
 * @module
 */

const VALUES = 65_536;

const EXPONENT_BITS = 5;
const MANTISSA_BITS = 10;
const EXPONENT_BIAS = 15;
const EXPONENT_MASK = 0x1f;
const MANTISSA_MASK = 0x3ff;
const INFINITY_BITS = 0x7c00;
const NAN_BITS = 0x7e00;
/** From here on a float32 rounds to infinity: half way between the largest half, 65,504, and 2¹⁶. */
const ROUNDS_TO_INFINITY = 65_520;
/** Smallest normal half; below it the spacing of halves stays 2⁻²⁴. */
const SMALLEST_NORMAL = 2 ** -14;
const SUBNORMAL_STEP = 2 ** -24;

let decoded: Float32Array | undefined;

/** All 65,536 halves as float32: 256 KiB, made when the first half is met. */
function table(): Float32Array {
  decoded ??= Float32Array.from({ length: VALUES }, (_, bits) => decodeHalf(bits));
  return decoded;
}

/** The number that 16 bits stand for. */
export function decodeHalf(bits: number): number {
  const sign = bits >> (EXPONENT_BITS + MANTISSA_BITS) === 0 ? 1 : -1;
  const exponent = (bits >> MANTISSA_BITS) & EXPONENT_MASK;
  const mantissa = bits & MANTISSA_MASK;
  if (exponent === EXPONENT_MASK) return mantissa === 0 ? sign * Infinity : Number.NaN;
  if (exponent === 0) return sign * mantissa * SUBNORMAL_STEP;
  return sign * (1 + mantissa / (1 << MANTISSA_BITS)) * 2 ** (exponent - EXPONENT_BIAS);
}

/** The nearest half, ties to even, as 16 bits. */
export function encodeHalf(value: number): number {
  if (Number.isNaN(value)) return NAN_BITS;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size >= ROUNDS_TO_INFINITY) return sign | INFINITY_BITS;
  if (size < SMALLEST_NORMAL) return sign | roundToEven(size / SUBNORMAL_STEP);
  const exponent = Math.floor(Math.log2(size));
  // log2 can round up to the next whole number just below a power of two.
  const scale = 2 ** (size < 2 ** exponent ? exponent - 1 : exponent);
  const biased = Math.log2(scale) + EXPONENT_BIAS;
  // A mantissa that rounds up to 2 carries into the exponent, as it should.
  return sign | ((biased << MANTISSA_BITS) + roundToEven((size / scale - 1) * (1 << MANTISSA_BITS)));
}

function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Halves, whatever kind of array holds their bits, as float32. */
export function halvesToFloats(halves: ArrayBufferView): Float32Array<ArrayBuffer> {
  const bits = new Uint16Array(halves.buffer, halves.byteOffset, halves.byteLength / Uint16Array.BYTES_PER_ELEMENT);
  const values = table();
  const floats = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) floats[i] = values[bits[i] ?? 0] ?? Number.NaN;
  return floats;
}

/** Float32 as the bits of halves. */
export function floatsToHalves(floats: Float32Array): Uint16Array<ArrayBuffer> {
  return Uint16Array.from(floats, encodeHalf);
}
