import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadOptionsOf } from "./load-options.ts";

describe("loadOptionsOf", () => {
  it("looks for models in the data folder", () => {
    expect(loadOptionsOf({ dataDir: "data" }, {})).toEqual({ modelsFolder: join("data", "models") });
    const empty = { MAXLEAF_MODEL_DIR: "", MAXLEAF_VLLM_URL: "", MAXLEAF_MODEL_DEVICE: "" };
    expect(loadOptionsOf({ dataDir: "data" }, empty)).toEqual({ modelsFolder: join("data", "models") });
  });

  it("takes the environment, and options before it", () => {
    const env = {
      MAXLEAF_MODEL_DIR: "/models",
      MAXLEAF_MODEL_DEVICE: "cuda",
      MAXLEAF_VLLM_URL: "http://gpu:8000",
      MAXLEAF_VLLM_KEY: "key",
    };
    expect(loadOptionsOf({ dataDir: "data" }, env)).toEqual({
      modelsFolder: "/models",
      executionProvider: "cuda",
      vllm: { baseUrl: "http://gpu:8000", apiKey: "key" },
    });
    const options = { dataDir: "data", modelDir: "mine", modelDevice: "cpu", vllmUrl: "http://other" } as const;
    expect(loadOptionsOf(options, env)).toEqual({
      modelsFolder: "mine",
      executionProvider: "cpu",
      vllm: { baseUrl: "http://other", apiKey: "key" },
    });
  });

  it("refuses a device that is none", () => {
    expect(() => loadOptionsOf({ dataDir: "data" }, { MAXLEAF_MODEL_DEVICE: "tpu" })).toThrow('is "tpu"');
  });
});
