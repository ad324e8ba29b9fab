/**
 * The whole of Maxleaf as a person starts it: one command, then HTTP only.
 */
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { indexListSchema, problemSchema, searchResponseSchema } from "../../shared/api/search.ts";
import { processTree, run, type Running, start, survivors, until } from "./support/command-line.ts";
import { writePdf } from "./support/documents.ts";

const TIMEOUT_MS = 180_000;
const SECRET = "of-these-tests-only";

const serverSchema = z.object({ pid: z.number(), edgeUrl: z.url() });

let folder: string;
let dataDir: string;
let running: Running | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-start-"));
  dataDir = join(folder, "data");
  await writePdf(join(folder, "My Tales/fox.pdf"), ["The quick brown fox jumps.", "The lazy dog sleeps in the sun."]);
  await writePdf(join(folder, "My Tales/sea.pdf"), ["Herring swim in the cold North Sea."]);
});

afterEach(() => {
  running?.child.kill("SIGKILL");
  running = undefined;
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Starts a stack on free ports, whatever else runs on this machine. */
function launch(args: string[], env?: Record<string, string>): Running {
  running = start([...args, "--data-dir", dataDir, "--port", "0"], env);
  return running;
}

/** The address of the worker, once it is up. */
async function addressOf(stack: Running): Promise<string> {
  return await until(stack, async () => {
    const { pid, edgeUrl } = serverSchema.parse(JSON.parse(await readFile(join(dataDir, "server.json"), "utf8")));
    return pid === stack.pid ? edgeUrl : undefined;
  });
}

async function search(url: string, query: string, options: { path?: string; mode?: string } = {}): Promise<Response> {
  const body = JSON.stringify({ query, k: 2, ...options });
  const headers = { "content-type": "application/json" };
  return await fetch(`${url}/v1/indexes/my-tales/search`, { method: "POST", headers, body });
}

async function hasTales(url: string): Promise<true | undefined> {
  const { indexes } = indexListSchema.parse(await (await fetch(`${url}/v1/indexes`)).json());
  return indexes.some(({ name, documents }) => name === "my-tales" && documents === 2) ? true : undefined;
}

describe("maxleaf start", { timeout: TIMEOUT_MS }, () => {
  it("indexes a folder, serves it, and leaves no process behind at Ctrl-C", async () => {
    const stack = launch(["start", join(folder, "My Tales"), "--encoder-port", "0"]);
    const url = await addressOf(stack);
    await until(stack, async () => await hasTales(url));

    const response = await search(url, "a dog that sleeps", { mode: "late" });
    expect(response.status).toBe(200);
    const { hits } = searchResponseSchema.parse(await response.json());
    expect(hits[0]).toMatchObject({ page: 2, document: { name: "fox.pdf", pageCount: 2 } });
    expect(hits[0]?.matches.map(({ text }) => text)).toContain("dog");

    const byShards = await search(url, "a dog that sleeps", { mode: "late", path: "sharded" });
    const sharded = searchResponseSchema.parse(await byShards.json());
    expect(sharded).toMatchObject({ hits, performance: { path: "sharded", mode: "late", shards: 1 } });

    for (const mode of ["lexical", "hybrid"]) {
      const byWords = searchResponseSchema.parse(await (await search(url, "dog", { mode })).json());
      expect(byWords.performance).toMatchObject({ mode, terms: 1 });
      expect(byWords.hits[0]).toMatchObject({ page: 2, document: { name: "fox.pdf" } });
      expect(byWords.hits[0]?.snippet).toContain("dog");
      const overShards = searchResponseSchema.parse(await (await search(url, "dog", { mode, path: "sharded" })).json());
      expect(overShards.hits).toEqual(byWords.hits);
    }
    const usual = searchResponseSchema.parse(await (await search(url, "dog")).json());
    expect(usual.performance.mode).toBe("hybrid");

    for (const path of [hits[0]?.imageUrl, hits[0]?.thumbnailUrl]) {
      const image = await fetch(new URL(path ?? "", url));
      expect(image.headers.get("content-type")).toBe("image/webp");
      const bytes = new Uint8Array(await image.arrayBuffer());
      expect(new TextDecoder().decode(bytes.subarray(8, 12))).toBe("WEBP");
    }
    const page = await fetch(url);
    expect(page.headers.get("content-type")).toMatch(/^text\/html/);

    // Commands beside it use the same bucket.
    const beside = await run(["documents", "-i", "my-tales", "--json", "--data-dir", dataDir]);
    expect(JSON.parse(beside.stdout).documents.map(({ name }: { name: string }) => name)).toEqual([
      "fox.pdf",
      "sea.pdf",
    ]);
    const second = await run(["start", "--data-dir", dataDir]);
    expect(second.code).toBe(2);
    expect(second.stderr).toContain(`already uses`);
    expect(second.stderr).toContain(url);

    await until(stack, async () => (stack.output().includes("Ctrl-C stops it") ? true : undefined));
    expect(stack.output()).toContain(`open ${url}`);
    const tree = await processTree(stack.pid);
    expect(tree.length).toBeGreaterThan(2);
    stack.child.kill("SIGINT");
    expect((await stack.finished).code).toBe(0);
    expect(await survivors(tree)).toEqual([]);
    await expect(readFile(join(dataDir, "server.json"))).rejects.toThrow("ENOENT");
  });

  it("has everything again the next time, and dies whole when it is killed", async () => {
    const stack = launch(["serve", "--encoder-port", "0"]);
    const url = await addressOf(stack);
    await until(stack, async () => await hasTales(url));
    expect((await search(url, "fish in the sea")).status).toBe(200);

    const tree = await processTree(stack.pid);
    stack.child.kill("SIGKILL");
    await stack.finished;
    expect(await survivors(tree)).toEqual([]);
  });

  it("takes over the data folder of a stack that was killed, and ends when its worker does", async () => {
    const stack = launch(["serve", "--encoder-port", "0"]);
    expect(await hasTales(await addressOf(stack))).toBe(true);

    const tree = await processTree(stack.pid);
    process.kill(tree[1] ?? 0, "SIGKILL");
    const { code, stderr } = await stack.finished;
    expect(code).toBe(1);
    expect(stderr).toContain("maxleaf: the edge worker ended by itself");
    expect(await survivors(tree)).toEqual([]);
  });
});

describe("an encoder of its own", { timeout: TIMEOUT_MS }, () => {
  it("answers 503 with a code when the encoder is gone", async () => {
    const encoder = start(["encoder", "--host", "127.0.0.1", "--port", "0"], { ENCODER_SECRET: SECRET });
    try {
      const encoderUrl = await until(encoder, async () => /encoder service at (\S+)/.exec(encoder.output())?.[1]);
      const url = await addressOf(launch(["serve", "--encoder-url", encoderUrl], { ENCODER_SECRET: SECRET }));
      expect((await search(url, "quick fox")).status).toBe(200);
      // It has no part in the local bucket, so there is nothing to write with.
      const tasks = await fetch(`${url}/v1/tasks`, { headers: { authorization: "Bearer anything" } });
      expect(problemSchema.parse(await tasks.json())).toMatchObject({ status: 403, code: "forbidden" });

      encoder.child.kill("SIGKILL");
      await once(encoder.child, "close");
      const response = await search(url, "another question");
      expect(response.status).toBe(503);
      expect(response.headers.get("content-type")).toMatch(/^application\/problem\+json/);
      expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(problemSchema.parse(await response.json())).toMatchObject({ code: "encoder_unavailable", status: 503 });
    } finally {
      encoder.child.kill("SIGKILL");
    }
  });

  it("does not start without a secret", async () => {
    expect(await run(["encoder", "--port", "0"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("ENCODER_SECRET"),
    });
  });
});
