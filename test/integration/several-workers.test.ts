/**
 * Several workers and one queue: killed one after the other, or all at the same time.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { run, start, until } from "../e2e/support/command-line.ts";
import { writePdf } from "../e2e/support/documents.ts";
import { createBucket, CREDENTIALS, motoUrl, REGION } from "./moto.ts";

/** When a worker is killed: before it reads, while it renders and encodes, and perhaps after the commit. */
const KILLED_AFTER_MS = [0, 400, 1_500];
const PAGES = ["The barn owl hunts at night.", "Owl chicks hatch in April."];

describe.skipIf(motoUrl === "")("several workers", { timeout: 180_000 }, () => {
  let folder: string;
  let queueFile: string;
  let env: Record<string, string>;
  let args: string[];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "maxleaf-workers-"));
    queueFile = join(folder, "queue.sqlite");
    env = {
      MAXLEAF_S3_ENDPOINT: motoUrl,
      MAXLEAF_S3_BUCKET: await createBucket(),
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_REGION: REGION,
      MAXLEAF_DATA_DIR: join(folder, "data"),
    };
    const options = ["--queue", `sqlite:${queueFile}`, "--source-folder", join(folder, "buckets")];
    args = ["worker", ...options, "--map", "inbox=inbox", "--once", "--json", "--no-calibrate"];
  });
  afterEach(async () => await rm(folder, { recursive: true, force: true }));

  async function write(names: readonly string[]): Promise<void> {
    for (const name of names) await writePdf(join(folder, "buckets/inbox", name), PAGES);
  }

  /** The names of the documents; every one of their pages can be found, and the queue has nothing left. */
  async function documentsWhenDone(): Promise<string[]> {
    const { documents } = JSON.parse((await run(["documents", "-i", "inbox", "--json"], env)).stdout);
    const search = ["search", "owl chicks", "-i", "inbox", "-k", "100", "--json"];
    const { hits } = JSON.parse((await run(search, env)).stdout);
    expect(hits).toHaveLength(PAGES.length * documents.length);
    expect([countOf("messages"), countOf("dead_letters")]).toEqual([0, 0]);
    return documents.map(({ name }: { name: string }) => name);
  }

  function countOf(table: "messages" | "dead_letters"): unknown {
    using database = new DatabaseSync(queueFile, { timeout: 5_000 });
    return database.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.["count"];
  }

  /** As two minutes do. */
  function letHoldsRunOut(): void {
    using database = new DatabaseSync(queueFile, { timeout: 5_000 });
    database.exec("UPDATE messages SET visible_at_ms = 0");
  }

  it("do what killed ones left, and leave the index whole", async () => {
    await write(["a.pdf", "b.pdf", "c.pdf"]);
    for (const [round, killedAfterMs] of KILLED_AFTER_MS.entries()) {
      const worker = start(round === 0 ? [...args, "--scan"] : args, env);
      // A fast machine may have done everything in the rounds before.
      const begun = () => worker.output().includes("documents of") || worker.child.exitCode !== null;
      await until(worker, async () => (begun() ? true : undefined));
      await sleep(killedAfterMs);
      worker.child.kill("SIGKILL");
      await worker.finished;
      letHoldsRunOut();
    }
    expect(JSON.parse((await run(args, env)).stdout)).toMatchObject({ givenBack: 0, setAside: 0 });
    expect(await documentsWhenDone()).toEqual(["a.pdf", "b.pdf", "c.pdf"]);
  });

  it("share the work at the same time, each message done by one or, to the same effect, by several", async () => {
    const names = Array.from({ length: 12 }, (_, at) => `${String(at).padStart(2, "0")}.pdf`);
    await write(names);
    const scanning = [...args, "--scan", "--concurrency", "2"];
    const finished = await Promise.all([scanning, scanning, scanning].map(async (each) => await run(each, env)));
    const reports = finished.map(({ stdout }) => JSON.parse(stdout));
    expect(reports.reduce((sum, { acknowledged }) => sum + acknowledged, 0)).toBe(3 * names.length);
    expect(await documentsWhenDone()).toEqual(names);
  });
});
