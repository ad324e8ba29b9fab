import { execFile } from "node:child_process";
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { collect, renderAll, textOf, textPdf } from "../fixtures.ts";
import { RenderPool } from "../render-pool.ts";
import { convertOffice } from "./convert-office.ts";
import { docx, openDocument } from "./fixtures.ts";
import { findSoffice } from "./soffice.ts";

const TIMEOUT_MS = 180_000;
const DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const file = { name: "plan.docx", bytes: docx(["Herring"]) };

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-soffice-test-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** A program that stands for LibreOffice. */
async function program(name: string, script: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

async function isRunning(pid: string): Promise<boolean> {
  const state = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return state !== "" && !/\) [ZX] /.test(state);
}

describe("convertOffice", () => {
  it("gives what LibreOffice makes, and keeps nothing", async () => {
    const pdf = await textPdf(["made"]);
    await writeFile(join(folder, "made.pdf"), pdf);
    const log = join(folder, "arguments");
    const soffice = await program(
      "copies",
      `echo "$@" > ${log}; cat profile/user/*.xcu >> ${log}; cp ${folder}/made.pdf source.pdf`,
    );
    expect(Buffer.compare(await convertOffice(file, DOCX, { soffice }), pdf)).toBe(0);
    const said = await readFile(log, "utf8");
    expect(said).toMatch(/^-env:UserInstallation=file:\/\/\S+\/profile --headless .*--convert-to pdf .*source\.docx\n/);
    expect(said).toContain("DisableMacrosExecution");
    const own = /file:\/\/(\S+)\/profile/.exec(said)?.[1] ?? "";
    await expect(readdir(own)).rejects.toThrow("ENOENT");
  });

  it("says why there is no PDF", async () => {
    const soffice = await program("fails", "echo 'Error: source file could not be loaded' >&2");
    await expect(convertOffice(file, DOCX, { soffice })).rejects.toMatchObject({
      code: "file_unreadable",
      message: expect.stringMatching(/^"plan\.docx" cannot be converted .*\(Error: source file could not be loaded\)$/),
    });
  });

  it("ends the whole process group of one that takes too long", async () => {
    const pids = join(folder, "pids");
    const soffice = await program("hangs", `sleep 300 & echo "$! $$" > ${pids}; wait`);
    await expect(convertOffice(file, DOCX, { soffice, officeTimeoutMs: 1_000 })).rejects.toMatchObject({
      code: "render_timeout",
      message: '"plan.docx" was not converted after 1 s',
    });
    const ids = (await readFile(pids, "utf8")).trim().split(" ");
    expect(ids).toHaveLength(2);
    await vi.waitFor(async () => expect(await Promise.all(ids.map(isRunning))).toEqual([false, false]));
  });

  it("ends with its pool", async () => {
    const soffice = await program("waits", "sleep 300");
    const pool = new RenderPool({ processes: 1, office: { soffice } });
    const opening = pool.open(file);
    setTimeout(() => pool.close(), 1_500);
    await expect(opening).rejects.toMatchObject({ code: "internal" });
  });

  it("holds LibreOffice to its limits", async () => {
    const soffice = await program("asks", "ulimit -t; ulimit -v; ulimit -f");
    const failure = await convertOffice(file, DOCX, { soffice }).catch((error: unknown) => String(error));
    expect(failure).toMatch(/\(300 4194304 \d+\)$/);
  });
});

describe("without LibreOffice", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it("says what to install, and the next file is read", async () => {
    vi.stubEnv("MAXLEAF_SOFFICE", "/no/such/program");
    expect(findSoffice()).toBeUndefined();
    await using pool = new RenderPool({ processes: 1 });
    await expect(pool.open(file)).rejects.toMatchObject({
      code: "file_unsupported",
      message:
        '"plan.docx" is a DOCX file, which needs LibreOffice: apt-get install libreoffice-writer-nogui libreoffice-impress-nogui libreoffice-calc-nogui (or set MAXLEAF_SOFFICE)',
    });
    const [page] = await renderAll(pool, "a.pdf", await textPdf(["fine"]));
    expect(textOf(page)).toBe("fine");
  });

  it("is found by its variable, or on the PATH", async () => {
    const soffice = await program("soffice", "");
    expect(findSoffice({ PATH: `/nowhere:${folder}` })).toBe(soffice);
    expect(findSoffice({ MAXLEAF_SOFFICE: soffice, PATH: "" })).toBe(soffice);
    expect(findSoffice({ MAXLEAF_SOFFICE: join(folder, "arguments-of-nobody"), PATH: folder })).toBeUndefined();
  });
});

const soffice = findSoffice();

describe.skipIf(soffice === undefined)("with LibreOffice, as it is installed here", { timeout: TIMEOUT_MS }, () => {
  const texts = ["Herring and mackerel", "Cod and haddock"];

  /** `bytes` in another format, by LibreOffice itself. */
  async function converted(bytes: Buffer, from: string, to: string): Promise<Buffer> {
    await writeFile(join(folder, `in.${from}`), bytes);
    const profile = `-env:UserInstallation=file://${folder}/profile`;
    const args = [profile, "--headless", "--convert-to", to, "--outdir", folder, join(folder, `in.${from}`)];
    await promisify(execFile)(soffice ?? "", args);
    return await readFile(join(folder, `in.${to}`));
  }

  async function read(name: string, bytes: Uint8Array) {
    await using pool = new RenderPool({ processes: 1 });
    const document = await pool.open({ name, bytes });
    return { contentType: document.contentType, pages: (await collect(document)).map(textOf) };
  }

  it("reads DOCX and ODT, with the pages of the PDF", async () => {
    expect(await read("a.docx", docx(texts))).toEqual({ contentType: DOCX, pages: texts });
    const { contentType, pages } = await read("a.odt", openDocument("text", texts));
    expect(contentType).toBe("application/vnd.oasis.opendocument.text");
    expect(pages).toEqual([texts.join(" ")]);
  });

  it("reads ODP and PPTX, a page for a slide", async () => {
    const odp = openDocument("presentation", texts);
    expect((await read("a.odp", odp)).pages).toEqual(texts);
    const pptx = await read("a.pptx", await converted(odp, "odp", "pptx"));
    expect(pptx).toEqual({ contentType: expect.stringMatching(/presentationml\.presentation$/), pages: texts });
  });

  it("reads ODS and XLSX", async () => {
    const ods = openDocument("spreadsheet", texts);
    expect((await read("a.ods", ods)).pages.join(" ")).toContain(texts.join(" "));
    const xlsx = await read("a.xlsx", await converted(ods, "ods", "xlsx"));
    expect(xlsx.contentType).toMatch(/spreadsheetml\.sheet$/);
    expect(xlsx.pages.join(" ")).toContain(texts.join(" "));
  });

  it("fails on a DOCX that is cut off", async () => {
    const whole = docx(texts);
    const broken = { name: "a.docx", bytes: whole.subarray(0, whole.length - 400) };
    await expect(convertOffice(broken, DOCX)).rejects.toMatchObject({ code: "file_unreadable" });
  });
});
