/**
 * What the doctor found, and how reads that fail become findings.
 *
 * @module
 */
import { type ErrorCode, MaxleafError } from "../../shared/errors.ts";

export interface Finding {
  /** `error`: something cannot be searched, shown or changed. `warning`: it costs more, or will. */
  severity: "error" | "warning";
  /** What is wrong, with the object. */
  problem: string;
  /** What a user notices. */
  meaning: string;
  mend: string;
  /** Names of the documents concerned (ids where the names are lost), where it is not the whole index. */
  documents?: string[];
}

const DAMAGE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "corrupt_data",
  "unsupported_format_version",
  "recipe_mismatch",
]);

/** What `work` gives, or what it says is damaged. Other errors are thrown: an unreachable store is no damage. */
export async function examine<T>(work: () => Promise<T>): Promise<{ value: T } | { problem: string }> {
  try {
    return { value: await work() };
  } catch (error) {
    if (error instanceof MaxleafError && DAMAGE.has(error.code)) return { problem: error.message };
    throw error;
  }
}

/**
 * Numbers among 0 … `count` − 1 for which `read` finds damage, and what it says of the first. Reads `atOnce` together and
 * goes through them one by one only where something is wrong.
 */
export async function damagedAmong(
  count: number,
  atOnce: number,
  read: (numbers: readonly number[]) => Promise<void>,
): Promise<{ numbers: number[]; problem: string | undefined }> {
  const numbers: number[] = [];
  let problem: string | undefined;
  for (let first = 0; first < count; first += atOnce) {
    const some = Array.from({ length: Math.min(atOnce, count - first) }, (_, i) => first + i);
    const together = await examine(async () => await read(some));
    if ("value" in together) continue;
    for (const number of some) {
      const alone = await examine(async () => await read([number]));
      if ("value" in alone) continue;
      problem ??= alone.problem;
      numbers.push(number);
    }
    // Whatever it is, it shows only for several together: it is not lost.
    problem ??= together.problem;
  }
  return { numbers, problem };
}
