/**
 * A worker that is killed while it works: another does what it left.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { run, start, until } from "../e2e/support/command-line.ts";
import { writePdf } from "../e2e/support/documents.ts";
import { createBucket, CREDENTIALS, motoUrl, REGION } from "./moto.ts";

/** When the worker is killed: before it reads, while it renders and encodes, and perhaps after the commit. */
const KILLED_AFTER_MS = [0, 400, 1_500];

describe.skipIf(motoUrl === "")("a killed worker", { timeout: 180_000 }, () => {
  it("leaves its messages to the next, and the index whole", async () => {
    const folder = await mkdtemp(join(tmpdir(), "maxleaf-killed-"));
    const pages = ["The barn owl hunts at night.", "Owl chicks hatch in April."];
    for (const name of ["a", "b", "c"]) await writePdf(join(folder, "buckets/inbox", `${name}.pdf`), pages);
    const queueFile = join(folder, "queue.sqlite");
    const env = {
      MAXLEAF_S3_ENDPOINT: motoUrl,
      MAXLEAF_S3_BUCKET: await createBucket(),
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_REGION: REGION,
      MAXLEAF_DATA_DIR: join(folder, "data"),
    };
    const options = ["worker", "--queue", `sqlite:${queueFile}`, "--source-folder", join(folder, "buckets")];
    const args = [...options, "--map", "inbox=inbox", "--once", "--json", "--no-calibrate"];

    for (const [round, killedAfterMs] of KILLED_AFTER_MS.entries()) {
      const worker = start(round === 0 ? [...args, "--scan"] : args, env);
      // A fast machine may have done everything in the rounds before.
      const begun = () => worker.output().includes("documents of") || worker.child.exitCode !== null;
      await until(worker, async () => (begun() ? true : undefined));
      await sleep(killedAfterMs);
      worker.child.kill("SIGKILL");
      await worker.finished;
      letHoldsRunOut(queueFile);
    }
    const { stdout } = await run(args, env);
    expect(JSON.parse(stdout)).toMatchObject({ givenBack: 0, setAside: 0 });
    const { documents } = JSON.parse((await run(["documents", "-i", "inbox", "--json"], env)).stdout);
    expect(documents.map(({ name }: { name: string }) => name)).toEqual(["a.pdf", "b.pdf", "c.pdf"]);
    const { hits } = JSON.parse((await run(["search", "owl chicks", "-i", "inbox", "--json"], env)).stdout);
    expect(hits).toHaveLength(6);
    expect(countOf(queueFile, "messages")).toBe(0);
    expect(countOf(queueFile, "dead_letters")).toBe(0);
    await rm(folder, { recursive: true, force: true });
  });
});

/** As two minutes do. */
function letHoldsRunOut(queueFile: string): void {
  using database = new DatabaseSync(queueFile, { timeout: 5_000 });
  database.exec("UPDATE messages SET visible_at_ms = 0");
}

function countOf(queueFile: string, table: "messages" | "dead_letters"): unknown {
  using database = new DatabaseSync(queueFile, { timeout: 5_000 });
  return database.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.["count"];
}
