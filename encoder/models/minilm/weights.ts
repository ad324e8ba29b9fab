/**
 * The files of `weights/`: what they must be, and reading them. Every file is checked against its checksum before it is
 * used, so that a truncated or exchanged one is named instead of giving vectors that match nothing.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { MaxleafError } from "../../../shared/errors.ts";

export interface WeightsFile {
  name: string;
  byteLength: number;
  /** 64 hex digits. */
  sha256: string;
}

/** Where they come from: `weights/MODEL_CARD.md`. */
export const weightsFiles = {
  graph: {
    name: "model_int8.onnx",
    byteLength: 22_928_619,
    sha256: "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
  },
  tokenizer: {
    name: "tokenizer.json",
    byteLength: 466_247,
    sha256: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
  },
  tokenizerConfig: {
    name: "tokenizer_config.json",
    byteLength: 350,
    sha256: "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
  },
  /** Made by `train-projection.ts`, which prints these three lines. */
  projection: {
    name: "projection.bin",
    byteLength: 198_144,
    sha256: "d46cb8afc391da279afe1cb0727a36d325154694c31095b310b2d57934e77f96",
  },
} as const satisfies Record<string, WeightsFile>;

/** The folder the package brings. */
export const WEIGHTS_FOLDER = new URL("weights/", import.meta.url);

/**
 * The bytes of one file of `folder`, checked. SHA-256 of the 23 MB graph takes about 20 ms.
 *
 * Errors: `model_unavailable` naming the file and what is wrong with it.
 */
export async function readWeights(file: WeightsFile, folder: URL = WEIGHTS_FOLDER): Promise<Uint8Array> {
  const bytes = await readFile(new URL(file.name, folder)).catch((cause: unknown) => {
    throw new MaxleafError("model_unavailable", `the weights file ${file.name} cannot be read`, { cause });
  });
  if (bytes.byteLength !== file.byteLength) {
    throw new MaxleafError(
      "model_unavailable",
      `the weights file ${file.name} has ${bytes.byteLength} bytes instead of ${file.byteLength}; install it again`,
    );
  }
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if (sha256 !== file.sha256) {
    throw new MaxleafError(
      "model_unavailable",
      `the weights file ${file.name} has SHA-256 ${sha256} instead of ${file.sha256}; install it again`,
    );
  }
  return bytes;
}
