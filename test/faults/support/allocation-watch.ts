/**
 * Notices large buffers at the moment they are asked for: a system hands out memory that is never written to for nothing, so
 * that what a process uses at its end does not show them. Import it before what is to be watched.
 *
 * @module
 */

/** The largest buffer asked for since the last look. */
let largest = 0;

export function takeLargestAllocation(): number {
  const bytes = largest;
  largest = 0;
  return bytes;
}

const CONSTRUCTORS = [
  "ArrayBuffer",
  "Uint8Array",
  "Int8Array",
  "Uint16Array",
  "Int16Array",
  "Uint32Array",
  "Int32Array",
  "Float32Array",
  "Float64Array",
  "BigUint64Array",
] as const;

function watch(name: (typeof CONSTRUCTORS)[number]): void {
  const original: unknown = globalThis[name];
  if (typeof original !== "function") return;
  const elementBytes: unknown = Reflect.get(original, "BYTES_PER_ELEMENT");
  const bytesEach = typeof elementBytes === "number" ? elementBytes : 1;
  const handler: ProxyHandler<typeof original> = {
    construct(target, args: unknown[], newTarget): object {
      if (typeof args[0] === "number") largest = Math.max(largest, args[0] * bytesEach);
      const made: unknown = Reflect.construct(
        target,
        args,
        newTarget === Reflect.get(globalThis, name) ? target : newTarget,
      );
      if (typeof made !== "object" || made === null) throw new TypeError(`${name} makes no object`);
      return made;
    },
  };
  Reflect.set(globalThis, name, new Proxy(original, handler));
}

for (const name of CONSTRUCTORS) watch(name);
