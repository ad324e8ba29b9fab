import { expect, it } from "vitest";
import { BackgroundWork } from "./background-work.ts";

/** Work that ends when it is told to. */
function controlled() {
  const begun: string[] = [];
  const gates: (() => void)[] = [];
  const work = new BackgroundWork<{ version: number }>(async (index, { version }) => {
    begun.push(`${index}@${version}`);
    await new Promise<void>((resolve) => gates.push(resolve));
  });
  const finishOne = async () => {
    gates.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { begun, finishOne, work };
}

it("does one piece at a time for an index, and indexes side by side", async () => {
  const { begun, finishOne, work } = controlled();
  for (const version of [1, 2, 3]) work.start("a", { version });
  work.start("b", { version: 1 });
  expect(begun).toEqual(["a@1", "b@1"]);
  await finishOne();
  // What was asked for meanwhile is one piece, from the first time on.
  expect(begun).toEqual(["a@1", "b@1", "a@2"]);
  await finishOne();
  await finishOne();
  await work.idle();
  expect(begun).toHaveLength(3);
});

it("is idle when nothing is under way, also after it was started again", async () => {
  const { begun, finishOne, work } = controlled();
  await work.idle();
  work.start("a", { version: 1 });
  let isIdle = false;
  const idle = work.idle().then(() => (isIdle = true));
  await finishOne();
  await idle;
  expect(isIdle).toBe(true);
  work.start("a", { version: 2 });
  await finishOne();
  await work.idle();
  expect(begun).toEqual(["a@1", "a@2"]);
});
