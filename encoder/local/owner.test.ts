import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { claimOrFindStack, claimOwnership, findOwner, type Owner } from "./owner.ts";

let folder: string;
let file: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-owner-"));
  file = join(folder, "server.json");
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** The id of a process that has ended. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  await once(child, "exit");
  return child.pid ?? 0;
}

async function claimed(kind: Owner["kind"] = "command") {
  const result = await claimOwnership(file, { kind, title: "maxleaf test" });
  if ("claim" in result) return result.claim;
  throw new Error("it is taken");
}

const never = new AbortController().signal;

describe("claimOwnership", () => {
  it("gives a data folder to one claimant at a time", async () => {
    const claim = await claimed();
    const second = await claimOwnership(file, { kind: "stack", title: "maxleaf start" });
    expect(second).toEqual({ owner: { pid: process.pid, kind: "command", title: "maxleaf test" } });
    await claim.release();
    await claimed();
  });

  it("gives it to exactly one of many that claim at once, over a dead process' record", async () => {
    await writeFile(file, JSON.stringify({ pid: await deadPid(), kind: "stack", title: "old" }));
    const results = await Promise.all(
      Array.from({ length: 20 }, async () => await claimOwnership(file, { kind: "command", title: "one of many" })),
    );
    expect(results.filter((result) => "claim" in result)).toHaveLength(1);
    expect(await readdir(folder)).toEqual(["server.json"]);
  });

  it("replaces what a crash left half-written", async () => {
    await writeFile(file, '{"pid": 12');
    await claimed();
    expect(await findOwner(file)).toMatchObject({ title: "maxleaf test" });
  });

  it("publishes addresses and takes the record away at the end", async () => {
    const claim = await claimed("stack");
    await claim.publish({ edgeUrl: "http://127.0.0.1:8787", encoderUrl: "http://127.0.0.1:8788" });
    expect(JSON.parse(await readFile(file, "utf8"))).toEqual({
      pid: process.pid,
      kind: "stack",
      title: "maxleaf test",
      edgeUrl: "http://127.0.0.1:8787",
      encoderUrl: "http://127.0.0.1:8788",
    });
    await claim.release();
    expect(await findOwner(file)).toBeUndefined();
    expect(await readdir(folder)).toEqual([]);
  });
});

describe("claimOrFindStack", () => {
  it("finds a running stack", async () => {
    const claim = await claimed("stack");
    await claim.publish({ edgeUrl: "http://127.0.0.1:1" });
    const found = await claimOrFindStack(
      file,
      { kind: "command", title: "x" },
      { signal: never, onWait: () => undefined },
    );
    expect(found).toMatchObject({ stack: { edgeUrl: "http://127.0.0.1:1" } });
  });

  it("waits for a command to end, and says so once", async () => {
    const claim = await claimed();
    const waits: string[] = [];
    const found = claimOrFindStack(
      file,
      { kind: "command", title: "second" },
      { signal: never, onWait: (owner) => void waits.push(owner.title) },
    );
    await sleep(600);
    await claim.release();
    expect(await found).toHaveProperty("claim");
    expect(waits).toEqual(["maxleaf test"]);
  });

  it("stops waiting when it is interrupted", async () => {
    await claimed();
    const interrupt = new AbortController();
    const onWait = () => interrupt.abort(new Error("interrupted"));
    const waiting = claimOrFindStack(file, { kind: "command", title: "x" }, { signal: interrupt.signal, onWait });
    await expect(waiting).rejects.toThrow("interrupted");
  });
});
