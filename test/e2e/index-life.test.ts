/**
 * The life of an index over the real command line and a real S3 endpoint.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run } from "./support/command-line.ts";
import { writePdf } from "./support/documents.ts";
import { openTestBucket, type TestBucket } from "./support/local-bucket.ts";

const TIMEOUT_MS = 180_000;

let bucket: TestBucket;
let folder: string;

beforeAll(async () => {
  bucket = await openTestBucket("index-life");
  ({ folder } = bucket);
  await writePdf(join(folder, "owls/owl.pdf"), ["The barn owl hunts at night.", "Owl chicks hatch in April."]);
  await writePdf(join(folder, "ships/ship.pdf"), ["The cargo ship carried grain to the harbour of Rotterdam."]);
}, TIMEOUT_MS);

afterAll(async () => {
  await bucket.close();
});

const maxleaf = async (...args: string[]) => await run(args, bucket.env);

async function json(...args: string[]) {
  const { code, stdout, stderr } = await maxleaf(...args, "--json");
  if (code !== 0) throw new Error(`maxleaf ${args.join(" ")} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout);
}

/** The document that a search by `name` finds first, and the index that answered. */
async function found(question: string, name: string) {
  const { index, hits } = await json("search", question, "--index", name, "-k", "1");
  return { index, document: hits[0]?.document.name };
}

describe("an index's life", { timeout: TIMEOUT_MS }, () => {
  it("begins with settings, and is searched before anything is in it", async () => {
    const args = [
      "create",
      "birds-1",
      "--recipe",
      "minilm-words-pool2",
      "--subspaces",
      "32",
      "--filterable",
      "year,kind",
    ];
    expect(await json(...args)).toEqual({
      index: "birds-1",
      recipe: "minilm-words-pool2",
      settings: { subspaces: 32, filterableFields: ["kind", "year"] },
      manifestVersion: 1,
      created: true,
    });
    expect(await json(...args)).toMatchObject({ created: false, manifestVersion: 1 });
    expect(await found("owls", "birds-1")).toEqual({ index: "birds-1", document: undefined });
  });

  it("takes documents by its recipe and settings, also by an alias", async () => {
    expect(await json("alias", "set", "birds", "birds-1")).toMatchObject({ name: "birds", index: "birds-1" });
    const report = await json(
      "ingest",
      join(folder, "owls"),
      "--index",
      "birds",
      "--meta",
      "year=2026",
      "--meta",
      "by=me",
    );
    expect(report).toMatchObject({ index: "birds-1", recipe: "minilm-words-pool2", added: 1 });
    const { indexes, aliases } = await json("indexes");
    expect(indexes).toMatchObject([{ name: "birds-1", documents: 1, codebook: { bytesPerVector: 32 } }]);
    expect(aliases).toMatchObject([{ name: "birds", index: "birds-1" }]);
    expect(await found("young owls", "birds")).toEqual({ index: "birds-1", document: "owl.pdf" });
    expect(await json("documents", "--index", "birds")).toMatchObject({
      index: "birds-1",
      documents: [{ pageCount: 2 }],
    });
  });

  it("filters by the fields that it was created with, and names them", async () => {
    expect(await json("search", "owl", "--index", "birds", "--meta", "year=2026")).toMatchObject({ pagesMatched: 2 });
    expect(await json("search", "owl", "--index", "birds", "--meta", "kind=x")).toMatchObject({ pagesMatched: 0 });
    const refused = await maxleaf("search", "owl", "--index", "birds", "--meta", "by=me");
    expect(refused).toMatchObject({
      code: 2,
      stderr: 'maxleaf: index "birds-1" does not filter by field "by": it filters by "kind", "year" (invalid_filter)\n',
    });
  });

  it("is replaced by another one at once", async () => {
    await json("ingest", join(folder, "ships"), "--index", "birds-2");
    const swap = ["alias", "set", "birds", "birds-2", "--expect"];
    expect(await maxleaf(...swap, "birds-0")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/was to lead to "birds-0", but it leads to "birds-1" \(precondition_failed\)/),
    });
    expect(await json(...swap, "birds-1")).toMatchObject({ index: "birds-2", previous: "birds-1" });
    expect(await found("grain", "birds")).toEqual({ index: "birds-2", document: "ship.pdf" });
  });

  it("gets another name", async () => {
    expect(await json("rename", "birds", "vessels")).toEqual({ index: "birds-2", name: "vessels", removed: "birds" });
    expect(await found("grain", "vessels")).toMatchObject({ index: "birds-2" });
    expect(await maxleaf("search", "grain", "--index", "birds")).toMatchObject({ code: 4 });
  });

  it("ends, and can be brought back until what it held is removed", async () => {
    const dropped = await json("drop", "birds-2", "--yes");
    expect(dropped).toMatchObject({ index: "birds-2", documents: 1, pages: 1, aliases: ["vessels"] });
    expect(Date.parse(dropped.restorableUntil) - Date.parse(dropped.droppedAt)).toBe(72 * 3_600_000);
    for (const name of ["birds-2", "vessels"]) {
      expect((await maxleaf("search", "grain", "--index", name)).stderr).toMatch(/\(index_not_found\)/);
    }
    const listed = await maxleaf("indexes");
    expect(listed.stdout).toMatch(/^birds-2 was dropped on .*: maxleaf restore birds-2 brings it back$/m);
    const examined = await maxleaf("doctor", "--all");
    expect(examined).toMatchObject({ code: 0, stdout: expect.stringMatching(/^birds-2 was dropped on \d/m) });
    expect(examined.stdout).toMatch(/^aliases\n {2}warning: alias "vessels" leads to "birds-2", and there is no such/m);

    expect(await json("restore", "birds-2")).toMatchObject({ index: "birds-2", manifestVersion: 3, documents: 1 });
    expect(await found("grain", "vessels")).toEqual({ index: "birds-2", document: "ship.pdf" });
  });

  it("is over when its garbage was collected", async () => {
    await json("drop", "birds-2", "--yes");
    // Listings of S3 tell time to the second.
    await sleep(2_000);
    const collected = await maxleaf("gc", "--index", "birds-2", "--delete", "--grace", "0");
    expect(collected.stdout).toMatch(/^birds-2 \(dropped on .*\): \d+ objects of \d+, .*, removed\n/);
    expect(await maxleaf("restore", "birds-2")).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/cannot be restored: .* a garbage collection has removed it since/),
    });
    expect((await json("indexes")).dropped).toEqual([]);
    // Its name is free, and versions go on.
    expect(await json("create", "birds-2")).toMatchObject({ created: true, manifestVersion: 5 });
  });

  const bad: { args: string[]; code: number; says: RegExp }[] = [
    {
      args: ["create", "birds-1"],
      code: 2,
      says: /there is an index "birds-1" already: .*minilm-words.*\(name_taken\)/,
    },
    { args: ["create", "vessels"], code: 2, says: /"vessels" is an alias of the index "birds-2" \(name_taken\)/ },
    { args: ["create", "Birds"], code: 2, says: /no index name/ },
    { args: ["create", "new", "--subspaces", "12"], code: 2, says: /8, 16, 32, 64/ },
    { args: ["create", "new", "--recipe", "nothing"], code: 4, says: /there is no recipe "nothing"/ },
    { args: ["alias", "set", "birds-1", "birds-2"], code: 2, says: /there is an index "birds-1".*\(name_taken\)/ },
    { args: ["alias", "set", "new", "nowhere"], code: 4, says: /there is no index "nowhere"/ },
    { args: ["alias", "remove", "nothing"], code: 4, says: /there is no alias "nothing" \(not_found\)/ },
    { args: ["rename", "nowhere", "new"], code: 4, says: /there is no index "nowhere"/ },
    { args: ["rename", "birds-1", "vessels"], code: 2, says: /\(name_taken\)/ },
    { args: ["drop", "birds-1"], code: 2, says: /nobody is there to confirm: give --yes/ },
    { args: ["drop", "vessels", "--yes"], code: 2, says: /maxleaf alias remove vessels removes the name/ },
    { args: ["drop", "nowhere", "--yes"], code: 4, says: /there is no index "nowhere"; there are birds-1, birds-2/ },
    { args: ["restore", "birds-1"], code: 2, says: /it is not dropped \(name_taken\)/ },
    { args: ["restore", "nowhere"], code: 4, says: /no index "nowhere" was dropped/ },
  ];
  for (const { args, code, says } of bad) {
    it(`exits with ${code} for ${args.join(" ")}`, async () => {
      const finished = await maxleaf(...args);
      expect(finished.stdout).toBe("");
      expect(finished.stderr).toMatch(says);
      expect(finished.code).toBe(code);
    });
  }

  for (const command of ["create", "alias", "rename", "drop", "restore"]) {
    it(`explains ${command} with an example`, async () => {
      const { code, stdout } = await maxleaf(command, "--help");
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`Examples?:\\n.*maxleaf ${command}`));
    });
  }
});
