/**
 * Builds what the sources cannot run as they are: the WASM kernels and the search page's script.
 *
 * Skips whatever is newer than its sources, so that it can stand before every start and test run (about 50 ms then).
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

async function newestMtimeMs(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const times = await Promise.all(files.map(async (file) => (await stat(file)).mtimeMs));
  return Math.max(0, ...times);
}

async function isFresh(output: string, sourceFolder: string): Promise<boolean> {
  if (!existsSync(output)) return false;
  return (await stat(output)).mtimeMs > (await newestMtimeMs(sourceFolder));
}

/** Twice from the same sources: with relaxed SIMD for the engines that have it, and without (shared/kernel/webassembly.ts). */
async function buildKernels(): Promise<void> {
  await buildKernel("kernel.wasm", []);
  await buildKernel("kernel-relaxed.wasm", ["--enable", "relaxed-simd"]);
}

async function buildKernel(name: string, features: readonly string[]): Promise<void> {
  const output = join(root, "shared/kernel/build", name);
  const sources = join(root, "shared/kernel/assembly");
  if (await isFresh(output, sources)) return;
  await mkdir(dirname(output), { recursive: true });
  const compiler = join(root, "node_modules/assemblyscript/bin/asc.js");
  const flags = ["-O3", "--runtime", "stub", "--noAssert", "--enable", "simd", ...features, "--importMemory"];
  const args = [compiler, join(sources, "index.ts"), ...flags, "--outFile", output];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`the WASM kernels did not compile: ${stderr}`);
}

async function buildSearchPage(): Promise<void> {
  const output = join(root, "edge/ui/build/app.js");
  const sources = join(root, "edge/ui/client");
  if (await isFresh(output, sources)) return;
  await mkdir(dirname(output), { recursive: true });
  const esbuild = await import("esbuild");
  await esbuild.build({
    entryPoints: [join(sources, "app.ts"), join(sources, "style.css")],
    outdir: dirname(output),
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: true,
    logLevel: "warning",
  });
  await copyFile(join(sources, "index.html"), join(dirname(output), "index.html"));
}

await buildKernels();
// The encoder's image has no search page.
if (!process.argv.includes("--kernels")) await buildSearchPage();
