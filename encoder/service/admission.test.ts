import { describe, expect, it } from "vitest";
import { Admission } from "./admission.ts";

/** Work that ends when it is told to. */
function openWork() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { work: () => promise, finish: resolve };
}

describe("Admission", () => {
  it("runs as many as it may, lets as many wait as it may, and refuses the rest", async () => {
    const admission = new Admission({ concurrency: 2, maxWaiting: 1 });
    const { work, finish } = openWork();
    const admitted = [admission.run(work), admission.run(work), admission.run(work)];
    await expect(admission.run(work)).rejects.toMatchObject({ code: "overloaded" });
    finish();
    await Promise.all(admitted);
    await expect(admission.run(() => Promise.resolve("again"))).resolves.toBe("again");
  });

  it("does not begin what nobody waits for any more", async () => {
    const admission = new Admission({ concurrency: 1, maxWaiting: 3 });
    const { work, finish } = openWork();
    const running = admission.run(work);
    const patience = new AbortController();
    let begun = 0;
    const count = () => Promise.resolve((begun += 1));
    const given = [admission.run(count, patience.signal), admission.run(count, new AbortController().signal)];
    patience.abort();
    finish();
    await running;
    const [first, second] = await Promise.allSettled(given);
    expect(first).toMatchObject({ status: "rejected", reason: { code: "encoder_timeout" } });
    expect(second).toEqual({ status: "fulfilled", value: 1 });
  });

  it("gives the place back when work fails", async () => {
    const admission = new Admission({ concurrency: 1, maxWaiting: 0 });
    await expect(admission.run(() => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
    await expect(admission.run(() => Promise.resolve("fine"))).resolves.toBe("fine");
  });
});
