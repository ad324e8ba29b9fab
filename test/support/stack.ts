/**
 * The whole of Maxleaf as a person starts it: `maxleaf start`, with the bundled samples, in a folder of its own.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { indexListSchema } from "../../shared/api/search.ts";

const COMMAND = fileURLToPath(new URL("../../encoder/bin/maxleaf.mjs", import.meta.url));
const QUESTIONS = new URL("../../encoder/samples/questions.jsonl", import.meta.url);

/** Starting and indexing the samples takes about 20 s on an idle core; a loaded machine takes several times that. */
const START_TIMEOUT_MS = 300_000;
const STOP_TIMEOUT_MS = 15_000;
const POLL_MS = 250;

const serverFileSchema = z.object({ pid: z.number().int(), edgeUrl: z.url() });

const questionSchema = z.object({
  id: z.string(),
  question: z.string(),
  pdf: z.string(),
  pages: z.array(z.number().int()).min(1),
});
export type SampleQuestion = z.infer<typeof questionSchema>;

export interface Stack {
  url: string;
  /** Of the process that runs the encoder. */
  pid: number;
  stop: () => Promise<void>;
}

/** Resolves when the samples can be searched. Errors: what the process printed, if it ends or takes too long. */
export async function startStack(): Promise<Stack> {
  const dataDir = await mkdtemp(join(tmpdir(), "maxleaf-stack-"));
  const child = spawn(process.execPath, [COMMAND, "start", "--data-dir", dataDir], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit");
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }

  const stop = async (): Promise<void> => {
    child.kill("SIGINT");
    const killer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    if (child.exitCode === null && child.signalCode === null) await exited;
    clearTimeout(killer);
    await rm(dataDir, { recursive: true, force: true });
  };

  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && child.exitCode === null) {
    const server = await readServerFile(join(dataDir, "server.json"));
    if (server !== undefined && (await hasSamples(server.edgeUrl))) {
      return { url: server.edgeUrl, pid: server.pid, stop };
    }
    await delay(POLL_MS);
  }
  await stop();
  throw new Error(`maxleaf start did not get ready:\n${output}`);
}

/** The samples' questions with their gold pages. */
export async function readSampleQuestions(): Promise<SampleQuestion[]> {
  const lines = (await readFile(QUESTIONS, "utf8")).split("\n").filter((line) => line !== "");
  return lines.map((line) => questionSchema.parse(JSON.parse(line)));
}

async function readServerFile(path: string): Promise<z.infer<typeof serverFileSchema> | undefined> {
  const text = await readFile(path, "utf8").catch(() => "{}");
  return serverFileSchema.safeParse(JSON.parse(text)).data;
}

async function hasSamples(url: string): Promise<boolean> {
  const response = await fetch(`${url}/v1/indexes`).catch(() => undefined);
  if (response?.ok !== true) return false;
  const { indexes } = indexListSchema.parse(await response.json());
  return indexes.some((index) => index.name === "samples" && index.searchablePages > 0);
}
