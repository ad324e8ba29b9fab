import { describe, expect, it } from "vitest";
import plain from "../shared/kernel/build/kernel.wasm";
import relaxed from "../shared/kernel/build/kernel-relaxed.wasm";
import { Kernel } from "../shared/kernel/kernel.ts";
import { supportsRelaxedSimd } from "../shared/kernel/webassembly.ts";
import { kernelModule } from "./kernel-module.ts";

describe("kernelModule", () => {
  it("is the relaxed build where the runtime has relaxed SIMD, as workerd has", () => {
    expect(supportsRelaxedSimd()).toBe(true);
    expect(kernelModule).toBe(relaxed);
  });

  it.each([plain, relaxed])("is a build that this runtime can run", (module) => {
    expect(typeof new Kernel(module).exports.pqMax).toBe("function");
  });
});
