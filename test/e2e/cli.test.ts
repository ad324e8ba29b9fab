/**
 * The real command line over a real S3 endpoint: every command, and what it says when something is wrong.
 */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Finished, run, start, until } from "./support/command-line.ts";
import { write, writePdf, writePng } from "./support/documents.ts";
import { openTestBucket, type TestBucket } from "./support/local-bucket.ts";

const TIMEOUT_MS = 180_000;

let bucket: TestBucket;
let folder: string;

beforeAll(async () => {
  bucket = await openTestBucket("cli");
  ({ folder } = bucket);
  await writePdf(join(folder, "docs/birds/owl.pdf"), ["The barn owl hunts at night.", "Owl chicks hatch in April."]);
  await writePdf(join(folder, "docs/ships.pdf"), ["The cargo ship carried grain to the harbour of Rotterdam."]);
  await writePng(join(folder, "docs/teal.png"));
  await write(join(folder, "docs/broken.pdf"), "%PDF-1.7\nand then nothing that a PDF has");
  await write(
    join(folder, "docs/archive.pdf"),
    new Uint8Array([0x50, 0x4b, 3, 4, 20, 0, 0, 0, 8, 0, ...Array(40).fill(0)]),
  );
  await write(join(folder, "docs/empty.pdf"), "");
  await write(join(folder, "docs/notes.txt"), "not a page");
}, TIMEOUT_MS);

afterAll(async () => {
  await bucket.close();
});

async function maxleaf(...args: string[]): Promise<Finished> {
  return await run(args, bucket.env);
}

async function json(...args: string[]) {
  const { code, stdout, stderr } = await maxleaf(...args, "--json");
  return { code, stderr, body: JSON.parse(stdout) };
}

describe("a folder's life", { timeout: TIMEOUT_MS }, () => {
  it("ingests what can be read and gives a reason for every other file", async () => {
    const { code, body } = await json("ingest", join(folder, "docs"), "--index", "zoo", "--meta", "year=2023");
    expect(code).toBe(3);
    expect(body).toMatchObject({
      index: "zoo",
      recipe: "minilm-words",
      added: 3,
      replaced: 0,
      unchanged: 0,
      skippedFiles: 1,
      pages: 4,
      searchablePages: 3,
      pagesWithoutText: 1,
      interrupted: false,
    });
    const failures = Object.fromEntries(body.failed.map((file: { name: string }) => [file.name, file]));
    expect(Object.keys(failures)).toEqual(["archive.pdf", "broken.pdf", "empty.pdf"]);
    expect(failures["archive.pdf"]).toMatchObject({ code: "file_unsupported", reason: expect.stringMatching(/ZIP/) });
    expect(failures["broken.pdf"]).toMatchObject({ code: "file_unreadable" });
    expect(failures["empty.pdf"]).toMatchObject({ code: "file_empty" });
  });

  it("finds the page that answers a question", async () => {
    const { code, body } = await json("search", "when do young owls hatch", "--index", "zoo", "-k", "2");
    expect(code).toBe(0);
    expect(body.hits).toHaveLength(2);
    expect(body.hits[0]).toMatchObject({
      rank: 1,
      page: 2,
      document: { name: "birds/owl.pdf", pageCount: 2, metadata: { year: "2023" } },
      snippet: expect.stringContaining("hatch"),
    });
    expect(body.hits[0].score).toBeGreaterThan(body.hits[1].score);
  });

  it("searches within a document and within a field", async () => {
    const within = await json("search", "owl", "--index", "zoo", "--document", "ships.pdf");
    expect(within.body.hits.map((hit: { document: { name: string } }) => hit.document.name)).toEqual(["ships.pdf"]);
    const other = await json("search", "owl", "--index", "zoo", "--meta", "year=1999");
    expect(other).toMatchObject({ code: 0, body: { hits: [], pagesMatched: 0 } });
  });

  it("searches by words", async () => {
    const { code, body } = await json("search", "Rotterdam", "--index", "zoo", "--mode", "lexical");
    expect(code).toBe(0);
    expect(body.hits).toMatchObject([
      { document: { name: "ships.pdf" }, snippet: expect.stringContaining("Rotterdam") },
    ]);
    expect(body.performance).toMatchObject({ mode: "lexical", terms: 1 });
  });

  it("prints hits for people", async () => {
    const { code, stdout } = await maxleaf("search", "grain harbour", "--index", "zoo", "-k", "1");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ +1 +\d+\.\d\d {2}ships\.pdf, page 1 of 1\n/);
    expect(stdout).toContain("1 hit of 3 pages");
  });

  it("leaves unchanged files alone, and replaces changed ones with their fields kept", async () => {
    await writePdf(join(folder, "docs/ships.pdf"), ["The ferry sails to Harwich twice a day."]);
    const { code, body } = await json("ingest", join(folder, "docs"), "--index", "zoo");
    expect(code).toBe(3);
    expect(body).toMatchObject({ added: 0, replaced: 1, unchanged: 2, pages: 1 });

    const { body: found } = await json("search", "Rotterdam grain", "--index", "zoo", "--document", "ships.pdf");
    expect(found.hits).toHaveLength(1);
    expect(found.hits[0]).toMatchObject({
      snippet: expect.stringContaining("Harwich"),
      document: { metadata: { year: "2023" } },
    });
  });

  it("keeps the older version of a file that can no longer be read", async () => {
    await write(join(folder, "docs/ships.pdf"), "%PDF-1.7\nbroken by a crash");
    const { code, body } = await json("ingest", join(folder, "docs/ships.pdf"), "--index", "zoo");
    expect(code).toBe(3);
    expect(body.failed).toHaveLength(1);
    const { body: list } = await json("documents", "--index", "zoo");
    expect(list.documents.map((document: { name: string }) => document.name)).toContain("ships.pdf");
  });

  it("lists indexes and documents", async () => {
    const { body: indexes } = await json("indexes");
    expect(indexes.indexes).toMatchObject([{ name: "zoo", recipe: "minilm-words", documents: 3 }]);
    const { body } = await json("documents", "--index", "zoo");
    expect(body.documents).toMatchObject([
      { name: "birds/owl.pdf", pageCount: 2, searchablePages: 2, contentType: "application/pdf" },
      { name: "ships.pdf", pageCount: 1, searchablePages: 1 },
      { name: "teal.png", pageCount: 1, searchablePages: 0, contentType: "image/png" },
    ]);
    const { stdout } = await maxleaf("documents", "--index", "zoo");
    expect(stdout.split("\n")[0]).toMatch(/^id +name +pages +searchable +size +added$/);
  });

  it("says of every page of a document whether it can be found", async () => {
    const { body } = await json("documents", "birds/owl.pdf", "--index", "zoo", "--pages");
    expect(body.document).toMatchObject({ name: "birds/owl.pdf", metadata: { year: "2023" } });
    expect(body.pages).toMatchObject([
      { page: 1, status: "searchable", vectorCount: expect.any(Number) },
      { page: 2, status: "searchable" },
    ]);
    const { stdout } = await maxleaf("documents", "teal.png", "--index", "zoo", "--pages");
    expect(stdout).toMatch(/^page +status +vectors +size\n +1 +no-text +0 /);
    expect(await maxleaf("documents", "--index", "zoo", "--pages")).toMatchObject({ code: 2, stdout: "" });
  });

  it("updates metadata by name and by id, and then searches are filtered by it", async () => {
    const { body: list } = await json("documents", "birds/owl.pdf", "--index", "zoo");
    const [{ id }] = list.documents;
    const args = ["update", id, "ships.pdf", "--index", "zoo", "--set", "shelf=left", "--unset", "year"];
    const { code, body } = await json(...args);
    expect(code).toBe(0);
    expect(body.updated).toMatchObject([
      { name: "birds/owl.pdf", metadata: { shelf: "left" } },
      { name: "ships.pdf", metadata: { shelf: "left" } },
    ]);
    expect(body.updated[0].metadata).toEqual({ shelf: "left" });
    const { body: found } = await json("search", "owl chicks", "--index", "zoo", "--meta", "shelf=left");
    expect(found.hits[0]).toMatchObject({ document: { name: "birds/owl.pdf", metadata: { shelf: "left" } } });
    const gone = await json("search", "owl chicks", "--index", "zoo", "--meta", "year=2023");
    expect(gone.body.hits).toEqual([]);
    const { stdout } = await maxleaf(...args);
    expect(stdout).toBe("updated 0 documents of zoo; 2 documents had it like that already\n");
  });

  it.each([
    { args: ["no-such.pdf", "--set", "a=b"], code: 4, says: "document_not_found" },
    { args: ["ships.pdf"], code: 2, says: "say what to change" },
    { args: ["--set", "a=b"], code: 2, says: "name the documents" },
    { args: ["ships.pdf", "--set", "a=b", "--unset", "a"], code: 2, says: "set and unset" },
    { args: ["ships.pdf", "--discard"], code: 2, says: "--discard is for all documents" },
    { args: ["ships.pdf", "--set", "ab"], code: 2, says: "key=value" },
  ])("refuses to update $args", async ({ args, code, says }) => {
    const refused = await maxleaf("update", ...args, "--index", "zoo");
    expect(refused).toMatchObject({ code, stdout: "", stderr: expect.stringContaining(says) });
  });

  it("deletes a document by name, and then no search finds it", async () => {
    const { code, body } = await json("delete", "birds/owl.pdf", "--index", "zoo");
    expect(code).toBe(0);
    expect(body.deleted).toMatchObject({ name: "birds/owl.pdf", pageCount: 2 });
    const { body: found } = await json("search", "owl chicks", "--index", "zoo");
    expect(found.hits.map((hit: { document: { name: string } }) => hit.document.name)).toEqual(["ships.pdf"]);
    const again = await maxleaf("delete", "birds/owl.pdf", "--index", "zoo");
    expect(again).toMatchObject({
      code: 4,
      stdout: "",
      stderr: 'maxleaf: index "zoo" has no document "birds/owl.pdf" (document_not_found)\n',
    });
  });
});

describe("bad input", { timeout: TIMEOUT_MS }, () => {
  const cases: { args: string[]; code: number; says: RegExp }[] = [
    {
      args: ["search", "x", "--index", "nowhere"],
      code: 4,
      says: /^maxleaf: there is no index "nowhere"; .*\(index_not_found\)$/,
    },
    { args: ["search", "x", "--index", "../up"], code: 2, says: /"\.\.\/up" is no index name/ },
    {
      args: ["search", "x", "--index", "zoo", "--mode", "best"],
      code: 2,
      says: /Allowed choices are late, dense, lexical/,
    },
    {
      args: ["search", "x", "--index", "zoo", "--mode", "dense"],
      code: 2,
      says: /has late vectors.*\(invalid_request\)$/,
    },
    { args: ["search", "x", "--index", "zoo", "-k", "0"], code: 2, says: /whole number from 1 to 1000/ },
    { args: ["search", "x", "--index", "zoo", "-k", "1000000000"], code: 2, says: /whole number from 1 to 1000/ },
    { args: ["search", "  ", "--index", "zoo"], code: 2, says: /\(empty_query\)$/ },
    { args: ["search", "word ".repeat(10_000), "--index", "zoo"], code: 2, says: /\(query_too_long\)$/ },
    { args: ["search", "x", "--index", "zoo", "--meta", "colour=red"], code: 2, says: /"colour".*\(invalid_filter\)$/ },
    { args: ["search", "x", "--index", "zoo", "--meta", "colour"], code: 2, says: /key=value/ },
    { args: ["search", "x"], code: 2, says: /required option '-i, --index <name>'/ },
    {
      args: ["ingest", "/no/such/folder", "--index", "zoo"],
      code: 2,
      says: /"\/no\/such\/folder" cannot be read: it does not exist/,
    },
    { args: ["ingest", "--index", "zoo"], code: 2, says: /missing required argument 'paths'/ },
    { args: ["indexes", "--no-such-option"], code: 2, says: /unknown option '--no-such-option'/ },
    { args: ["frobnicate"], code: 2, says: /unknown command 'frobnicate'/ },
    { args: ["indexes", "--s3-endpoint", "not a url"], code: 2, says: /"not a url" is no URL/ },
    { args: ["indexes", "--s3-bucket", "no-such-bucket"], code: 5, says: /\(store_unavailable\)$/ },
  ];

  for (const { args, code, says } of cases) {
    it(`exits with ${code} for ${JSON.stringify(args).slice(0, 80)}`, async () => {
      const finished = await maxleaf(...args);
      expect(finished).toMatchObject({ code, stdout: "" });
      const [line = ""] = finished.stderr.split("\n");
      expect(line).toMatch(/^maxleaf: /);
      expect(line).toMatch(says);
      expect(finished.stderr).not.toContain("    at ");
    });
  }

  it("refuses another recipe for an index that has one, naming what differs", async () => {
    const args = ["ingest", join(folder, "docs"), "--index", "zoo", "--recipe"];
    const dense = await maxleaf(...args, "minilm-dense");
    expect(dense).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/minilm-words.*minilm-dense.*\(recipe_mismatch\)/),
    });
    const unknown = await maxleaf(...args, "no-such-recipe");
    expect(unknown).toMatchObject({ code: 4, stderr: expect.stringContaining("no-such-recipe") });
  });
});

describe("Ctrl-C", { timeout: TIMEOUT_MS }, () => {
  it("ends an ingestion cleanly, and running it again does the rest", async () => {
    const names = Array.from({ length: 6 }, (_, at) => `${at}.pdf`);
    for (const name of names)
      await writePdf(join(folder, "many", name), [`Document ${name}`, "Page two", "Page three"]);
    const args = ["ingest", join(folder, "many"), "--index", "many"];
    const ingestion = start(args, bucket.env);
    await until(ingestion, async () => (ingestion.output().includes("added ") ? true : undefined));
    ingestion.child.kill("SIGINT");
    const { code, stdout } = await ingestion.finished;
    expect(code).toBe(130);
    expect(stdout).toContain("run it again for the rest");

    const { code: again, body } = await json(...args);
    expect(again).toBe(0);
    expect(body.unchanged).toBeGreaterThanOrEqual(1);
    expect(body.unchanged + body.added).toBe(names.length);
  });
});

describe("help", { timeout: TIMEOUT_MS }, () => {
  for (const command of [
    "start",
    "serve",
    "ingest",
    "search",
    "indexes",
    "documents",
    "update",
    "delete",
    "optimize",
    "calibrate",
    "encoder",
    "eval",
  ]) {
    it(`explains ${command} with an example`, async () => {
      const { code, stdout } = await maxleaf(command, "--help");
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`Usage: maxleaf ${command} `));
      expect(stdout).toMatch(new RegExp(`Examples?:\\n.*maxleaf ${command}`));
    });
  }

  it("documents the exit codes", async () => {
    const { code, stdout } = await maxleaf("--help");
    expect(code).toBe(0);
    expect(stdout).toContain("3  done, but some files could not be ingested");
  });
});

describe("a local bucket without a running stack", { timeout: TIMEOUT_MS }, () => {
  it("is kept in the data folder between commands, which leave nothing else behind", async () => {
    const dataDir = join(folder, "own");
    await writePdf(join(folder, "one.pdf"), ["A lighthouse stands on the cliff."]);
    const ingested = await run(["ingest", join(folder, "one.pdf"), "-i", "one", "--data-dir", dataDir]);
    expect(ingested).toMatchObject({ code: 0, stdout: expect.stringContaining("one: 1 added") });
    const found = await run(["search", "lighthouse", "-i", "one", "--json"], { MAXLEAF_DATA_DIR: dataDir });
    expect(JSON.parse(found.stdout).hits).toMatchObject([{ document: { name: "one.pdf" }, page: 1 }]);
    expect(await readdir(dataDir)).not.toContain("server.json");
  });
});
