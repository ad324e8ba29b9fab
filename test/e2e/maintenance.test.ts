/**
 * gc, doctor, export and import over the real command line and a real S3 endpoint.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openLocalBucket } from "../../encoder/cli/open-store.ts";
import type { S3Store } from "../../encoder/storage/s3-store.ts";
import { layout } from "../../shared/store/layout.ts";
import { run } from "./support/command-line.ts";
import { writePdf } from "./support/documents.ts";
import { openTestBucket, type TestBucket } from "./support/local-bucket.ts";

const TIMEOUT_MS = 180_000;

let bucket: TestBucket;
let folder: string;
let store: S3Store;

beforeAll(async () => {
  bucket = await openTestBucket("maintenance");
  ({ folder } = bucket);
  store = openLocalBucket(bucket.edgeUrl);
  await writePdf(join(folder, "docs/owl.pdf"), ["The barn owl hunts at night.", "Owl chicks hatch in April."]);
  await writePdf(join(folder, "docs/ships.pdf"), ["The cargo ship carried grain to the harbour of Rotterdam."]);
  await maxleaf("ingest", join(folder, "docs"), "--index", "zoo");
}, TIMEOUT_MS);

afterAll(async () => {
  store.close();
  await bucket.close();
});

const maxleaf = async (...args: string[]) => await run(args, bucket.env);

async function json(...args: string[]) {
  const { code, stdout, stderr } = await maxleaf(...args, "--json");
  return { code, stderr, body: JSON.parse(stdout) };
}

const hitsOf = async (index: string) => (await json("search", "owl chicks", "--index", index)).body.hits;

describe("looking after an index", { timeout: TIMEOUT_MS }, () => {
  it("gc removes what is old and unused when it is told to, and nothing else", async () => {
    await store.put(layout.segment("zoo", "0000-dead"), new Uint8Array(1_000));
    await maxleaf("delete", "ships.pdf", "--index", "zoo");
    const before = await hitsOf("zoo");
    const young = await maxleaf("gc", "--index", "zoo", "--delete");
    expect(young).toMatchObject({ code: 0, stderr: "" });
    expect(young.stdout).toMatch(
      /^zoo: nothing to remove among \d+ objects\ntoo young to be removed \(under 72 h\): 1 object, 1\.0 kB/,
    );
    // Listings of S3 tell time to the second.
    await sleep(2_000);
    const dry = await json("gc", "--all", "--grace", "0");
    expect(dry).toMatchObject({
      code: 0,
      body: { indexes: [{ index: "zoo", removed: false, total: { objects: 2 } }] },
    });
    const removed = await maxleaf("gc", "--index", "zoo", "--delete", "--grace", "0");
    expect(removed.stderr).toContain("safe only while nothing is ingested into zoo");
    expect(removed.stdout).toMatch(/2 objects of \d+, [\d.]+ kB, removed\n.*\nmanifest +1 .*\nsegment +1 +1\.0 kB\n$/s);
    expect(await store.get(layout.segment("zoo", "0000-dead"))).toBeUndefined();
    expect(await hitsOf("zoo")).toEqual(before);
  });

  it("export and import make an index that finds the same, and never go over another one", async () => {
    const out = join(folder, "export");
    const exported = await maxleaf("export", out, "--index", "zoo");
    expect(exported).toMatchObject({ code: 0, stdout: expect.stringMatching(/^zoo: version 2, 8 objects, .* in /) });
    const imported = await maxleaf("import", out, "--index", "ark");
    expect(imported).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ark: version 1, 8 objects, /) });
    const plain = (hits: { page: number; score: number; snippet: string }[]) =>
      hits.map(({ page, score, snippet }) => ({ page, score, snippet }));
    expect(plain(await hitsOf("ark"))).toEqual(plain(await hitsOf("zoo")));
    const again = await maxleaf("import", out, "--index", "ark");
    expect(again).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/"ark" already: --replace.*\(commit_conflict\)/),
    });
    expect((await maxleaf("import", join(folder, "docs"), "--index", "new")).stderr).toContain("no complete export");
  });

  it("doctor says whether an index is well, and names what is damaged", async () => {
    const well = await maxleaf("doctor", "--all", "--deep");
    expect(well.code).toBe(0);
    expect(well.stdout).toBe(
      "ark is well: version 1, 1 document, 2 pages in 1 segment\n\nzoo is well: version 2, 1 document, 2 pages in 1 segment\n",
    );
    const images = (await store.list("indexes/ark/documents/")).objects.filter(({ key }) => key.endsWith("/1.webp"));
    await store.delete(images.map(({ key }) => key));
    const ill = await maxleaf("doctor", "--index", "ark");
    expect(ill.code).toBe(1);
    expect(ill.stdout).toMatch(/^ark is not well: .*\n {2}error: .*images of pages.*\n {4}means: .*\n {4}mend: delete/);
    expect(ill.stdout).toContain("      owl.pdf\n");
    const mended = await maxleaf("import", join(folder, "export"), "--index", "ark", "--replace");
    expect(mended.stdout).toMatch(/^ark: version 2, 8 objects, .*; 7 were there already\n$/);
    expect((await maxleaf("doctor", "--index", "ark", "--deep")).code).toBe(0);
  });

  it("compact and retrain leave an index well, with what it had", async () => {
    await maxleaf("ingest", join(folder, "docs/owl.pdf"), "--index", "yard");
    await maxleaf("ingest", join(folder, "docs/ships.pdf"), "--index", "yard");
    const before = await hitsOf("yard");
    const planned = await maxleaf("compact", "--index", "yard", "--dry-run");
    expect(planned.stdout).toMatch(/^yard: 2 of 2 segments \(.* kB\) would become 1: 3 pages copied\n$/);
    const compacted = await json("compact", "--index", "yard");
    expect(compacted.body.indexes).toMatchObject([{ index: "yard", done: true, segmentsAfter: 1, pagesCopied: 3 }]);
    expect(await hitsOf("yard")).toEqual(before);
    expect((await maxleaf("compact", "--all")).stdout).toContain("yard: nothing to do\n");

    const due = await maxleaf("retrain", "--index", "yard", "--dry-run");
    expect(due.stdout).toMatch(/^yard: (not )?due.*: [\d,]+ vectors, codebook for [\d,]+, drift \d\.\d\d\n$/);
    const trained = await maxleaf("retrain", "--index", "yard", "--threads", "1");
    expect(trained.stdout).toMatch(/^yard: 3 pages of [\d,]+ vectors coded anew: \d+ → \d+ centroids, drift/);
    expect(trained.stderr).toMatch(/yard: drawing vectors\nyard: training the codebook\nyard: coding pages\n/);
    const well = await maxleaf("doctor", "--index", "yard", "--deep");
    expect(well.stdout).toBe("yard is well: version 4, 2 documents, 3 pages in 1 segment\n");
  });

  const bad: { args: string[]; code: number; says: RegExp }[] = [
    { args: ["compact"], code: 2, says: /either --index <name> or --all/ },
    { args: ["retrain", "--index", "nowhere"], code: 4, says: /\(index_not_found\)/ },
    { args: ["gc"], code: 2, says: /either --index <name> or --all/ },
    { args: ["gc", "--all", "--index", "zoo"], code: 2, says: /either --index <name> or --all/ },
    { args: ["gc", "--all", "--delete", "--dry-run"], code: 2, says: /exclude each other/ },
    { args: ["gc", "--all", "--grace", "soon"], code: 2, says: /number of hours/ },
    { args: ["gc", "--index", "nowhere"], code: 4, says: /there is no index "nowhere"; there are ark, yard, zoo/ },
    { args: ["doctor", "--index", "nowhere"], code: 4, says: /\(index_not_found\)/ },
    { args: ["export", "/dev/null/x", "--index", "nowhere"], code: 4, says: /\(index_not_found\)/ },
    { args: ["export", "/dev/null/x", "--index", "zoo"], code: 2, says: /cannot be made.*\(invalid_request\)/ },
    { args: ["import", "/no/such/folder", "--index", "new"], code: 2, says: /\(invalid_request\)/ },
  ];
  for (const { args, code, says } of bad) {
    it(`exits with ${code} for ${args.join(" ")}`, async () => {
      const finished = await maxleaf(...args);
      expect(finished).toMatchObject({ code, stdout: "" });
      expect(finished.stderr).toMatch(says);
    });
  }

  for (const command of ["gc", "doctor", "export", "import", "compact", "retrain"]) {
    it(`explains ${command} with an example`, async () => {
      const { code, stdout } = await maxleaf(command, "--help");
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`Examples?:\\n.*maxleaf ${command}`));
    });
  }
});
