#!/usr/bin/env node
/**
 * Starts the command line on a Node that can run it. Plain JavaScript for any Node: Maxleaf's sources are TypeScript run
 * by type stripping, and older Nodes stop at the first type. The install brings its own Node for that case.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** 22.18 is the first Node 22 that strips types without a flag; 23.6 the first 23. */
const OLDEST = { 22: 18, 23: 6 };

/**
 * onnxruntime 1.30 matches /proc/self/cmdline against a recursive regular expression and takes the process down when the
 * line is long: 25,000 characters in a worker thread, 100,000 in the main one (measured). `ingest *.pdf` is that long.
 */
const MAX_COMMAND_LINE_CHARS = 8_000;
/** The file descriptor that longer arguments go through. main.ts reads it. */
const ARGUMENTS_FD = 3;

const root = dirname(dirname(dirname(realpathSync(fileURLToPath(import.meta.url)))));
const main = join(root, "encoder", "cli", "main.ts");
const args = process.argv.slice(2);

function canStripTypes(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major >= 24 || minor >= (OLDEST[major] ?? Infinity);
}

/** The Node that the install brought for this platform, if any. */
function bundledNode() {
  const names = [`node-${process.platform}-${process.arch}/bin/node`, ".bin/node"];
  return names.map((name) => join(root, "node_modules", name)).find((path) => existsSync(path));
}

/** Runs the command line in `node`, handing on arguments, signals and the exit status. */
function reexec(node) {
  const child = spawn(node, [main], {
    stdio: ["inherit", "inherit", "inherit", "pipe"],
    env: { ...process.env, MAXLEAF_ARGUMENTS_FD: String(ARGUMENTS_FD) },
  });
  child.stdio[ARGUMENTS_FD].on("error", () => undefined).end(JSON.stringify(args));
  // A terminal sends Ctrl-C to both processes, `kill` to this one only. The child stops us by stopping.
  process.on("SIGINT", () => process.stdin.isTTY || child.kill("SIGINT"));
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => fail(`${node} does not start: ${error.message}`));
  child.on("exit", (code, signal) => {
    if (signal !== null) process.removeAllListeners(signal);
    if (signal !== null) process.kill(process.pid, signal);
    process.exitCode = code ?? 1;
  });
}

function fail(reason) {
  process.stderr.write(`maxleaf: ${reason}\n`);
  process.exitCode = 1;
}

const isLong = args.join(" ").length > MAX_COMMAND_LINE_CHARS;
const node = canStripTypes(process.versions.node) ? process.execPath : bundledNode();
if (node === process.execPath && !isLong) {
  await import(pathToFileURL(main).href);
} else if (node !== undefined) {
  reexec(node);
} else {
  fail(
    `Node ${process.versions.node} is too old: install Node 24, or run "npm install" in ${root} to get one beside it`,
  );
}
