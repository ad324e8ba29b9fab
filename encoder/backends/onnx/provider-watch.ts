/**
 * Proves that a graph runs where it was asked to. ONNX Runtime gives an operator that the wanted provider refuses to the
 * CPU and says nothing. Its profile of a run names the provider of every operator.
 *
 * `session.disable_cpu_ep_fallback` is no help: with it CUDA sessions refuse nearly every transformer, as a handful of
 * operators on shapes are put on the CPU on purpose.
 *
 * @module
 */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { InferenceSession } from "onnxruntime-node";

/** Operators that hold nearly all work of a transformer; where they run is where the graph runs. Fused names included. */
const HEAVY = /^(Fused)?(MatMul\w*|Gemm\w*|Conv\w*|\w*Attention|QLinearMatMul|DynamicQuantizeMatMul)$/u;

/**
 * So many of them may run on the CPU: the runtime keeps there what is computed from shapes, and the angles of rotary
 * positions can be among it, a MatMul or two of hundreds.
 */
const MAX_STRAYED_SHARE = 0.05;

export interface OperatorRun {
  operator: string;
  provider: string;
}

export class ProviderWatch {
  /** For the session's options. */
  readonly profilePrefix: string;
  readonly #folder: string;
  readonly #provider: string;

  private constructor(folder: string, provider: string) {
    this.#folder = folder;
    this.#provider = provider;
    this.profilePrefix = join(folder, "profile");
  }

  static async create(provider: string): Promise<ProviderWatch> {
    return new ProviderWatch(await mkdtemp(join(tmpdir(), "maxleaf-onnx-")), provider);
  }

  /** Ends the profile after a session's first run. Throws, in words, when heavy operators ran elsewhere. */
  async check(session: InferenceSession): Promise<void> {
    try {
      session.endProfiling();
      const [file] = await readdir(this.#folder);
      const runs = file === undefined ? [] : operatorRuns(await readFile(join(this.#folder, file), "utf8"));
      const strayed = describeStrayed(runs, this.#provider);
      if (strayed !== undefined) throw new Error(strayed);
    } finally {
      await this.abandon();
    }
  }

  /** Removes what was written; for a session that never opened. */
  async abandon(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Operators in a profile: Chrome trace events, of which those of category `Node` with a provider are operator runs. */
export function operatorRuns(profile: string): OperatorRun[] {
  const events: unknown = JSON.parse(profile);
  if (!Array.isArray(events)) return [];
  return events.flatMap((event: unknown) => {
    const args = memberOf(event, "args");
    const operator = memberOf(args, "op_name");
    const provider = memberOf(args, "provider");
    return typeof operator === "string" && typeof provider === "string" ? [{ operator, provider }] : [];
  });
}

/** What ran elsewhere than on `provider`, in words; undefined if all that matters ran there. */
export function describeStrayed(runs: readonly OperatorRun[], provider: string): string | undefined {
  if (runs.every((run) => run.provider !== provider)) return `nothing of the graph ran on ${provider}`;
  const heavy = runs.filter((run) => HEAVY.test(run.operator));
  const strayed = heavy.filter((run) => run.provider !== provider);
  const [first] = strayed;
  if (first === undefined || strayed.length <= heavy.length * MAX_STRAYED_SHARE) return undefined;
  const share = `${strayed.length} of ${heavy.length} heavy operators`;
  return `${share} of the graph ran on ${first.provider} instead of ${provider}, ${first.operator} among them`;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
