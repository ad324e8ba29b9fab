import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openQueue, openSources, writeDeadLetter } from "./worker-config.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-config-"));
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

describe("openQueue", () => {
  it.each([
    [undefined, /queue in .*\/queue\.sqlite$/],
    ["sqlite:FOLDER/other.sqlite", /queue in .*\/other\.sqlite$/],
    ["sqs:https://sqs.eu-west-1.amazonaws.com/1/q", /^https:\/\/sqs\.eu-west-1\.amazonaws\.com\/1\/q$/],
  ])("opens %s", (address, description) => {
    const queue = openQueue(address?.replace("FOLDER", folder), folder, {});
    expect(queue.description).toMatch(description);
    queue.close();
  });

  it("opens a queue of Cloudflare with a token", () => {
    const address = `cf:${"a".repeat(32)}/${"b".repeat(32)}`;
    const queue = openQueue(address, folder, { CLOUDFLARE_API_TOKEN: "token" });
    expect(queue.description).toBe(`Cloudflare's queue ${"b".repeat(32)}`);
    expect(() => openQueue(address, folder, {})).toThrow(expect.objectContaining({ code: "invalid_request" }));
  });

  it.each([
    "",
    "sqlite:",
    "sqs:",
    "sqs:not a url",
    "cf:",
    "cf:account",
    "cf:account/queue",
    "redis://localhost",
    "queue.sqlite",
  ])("refuses %j", (address) => {
    expect(() => openQueue(address, folder, {})).toThrow(expect.objectContaining({ code: "invalid_request" }));
  });
});

describe("openSources", () => {
  it("reads buckets that are folders, and takes one that is not there for away, not for empty", async () => {
    await mkdir(join(folder, "inbox"));
    await writeFile(join(folder, "inbox", "a.pdf"), "content");
    const { source } = openSources({ folder }, {});
    expect(await source("inbox").get("a.pdf")).toMatchObject({ size: 7 });
    expect(source("inbox")).toBe(source("inbox"));
    expect(() => source("outbox")).toThrow(expect.objectContaining({ code: "store_unavailable" }));
    await rm(join(folder, "inbox"), { recursive: true });
    expect(() => source("inbox")).toThrow(expect.objectContaining({ code: "store_unavailable" }));
  });

  it("refuses half a pair of keys and what is no address", () => {
    const refused = expect.objectContaining({ code: "invalid_request" });
    expect(() => openSources({}, { MAXLEAF_SOURCE_ACCESS_KEY_ID: "id" })).toThrow(refused);
    expect(() => openSources({ endpoint: "localhost" }, {})).toThrow(refused);
    const { source, close } = openSources({ endpoint: "http://127.0.0.1:1" }, {});
    expect(source("b")).toBe(source("b"));
    close();
  });
});

it("keeps a dead letter as a file that cannot leave its folder", async () => {
  const letter = { id: "../../x", body: "hello", receiveCount: 5, reason: "because", failedAtMs: 1 };
  await writeDeadLetter(join(folder, "set-aside"), letter);
  expect(JSON.parse(await readFile(join(folder, "set-aside", "______x.json"), "utf8"))).toEqual(letter);
});
