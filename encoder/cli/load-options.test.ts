import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadOptionsOf } from "./load-options.ts";
import { recordingTerminal } from "./testing.ts";

describe("loadOptionsOf", () => {
  it("looks for models in the data folder", () => {
    expect(loadOptionsOf({ dataDir: "data" }, { env: {}, terminal: recordingTerminal() })).toEqual({
      modelsFolder: join("data", "models"),
    });
    const empty = { MAXLEAF_MODEL_DIR: "", MAXLEAF_VLLM_URL: "", MAXLEAF_MODEL_DEVICE: "" };
    expect(loadOptionsOf({ dataDir: "data" }, { env: empty, terminal: recordingTerminal() })).toEqual({
      modelsFolder: join("data", "models"),
    });
  });

  it("takes the environment, and options before it", () => {
    const env = {
      MAXLEAF_MODEL_DIR: "/models",
      MAXLEAF_MODEL_DEVICE: "cuda",
      MAXLEAF_VLLM_URL: "http://gpu:8000",
      MAXLEAF_VLLM_KEY: "key",
    };
    expect(loadOptionsOf({ dataDir: "data" }, { env, terminal: recordingTerminal() })).toEqual({
      modelsFolder: "/models",
      executionProvider: "cuda",
      vllm: { baseUrl: "http://gpu:8000", apiKey: "key", onWarning: expect.any(Function) },
    });
    const options = { dataDir: "data", modelDir: "mine", modelDevice: "cpu", vllmUrl: "http://other" } as const;
    expect(loadOptionsOf(options, { env, terminal: recordingTerminal() })).toEqual({
      modelsFolder: "mine",
      executionProvider: "cpu",
      vllm: { baseUrl: "http://other", apiKey: "key", onWarning: expect.any(Function) },
    });
  });

  it("refuses a device that is none", () => {
    expect(() =>
      loadOptionsOf({ dataDir: "data" }, { env: { MAXLEAF_MODEL_DEVICE: "tpu" }, terminal: recordingTerminal() }),
    ).toThrow('is "tpu"');
  });
});
