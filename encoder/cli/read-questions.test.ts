import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { MAX_QUERY_CHARS } from "../../shared/limits.ts";
import { MAX_QUESTIONS, readQuestions } from "./read-questions.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-questions-"));
});
afterEach(async () => await rm(folder, { recursive: true }));

async function read(text: string): Promise<string[]> {
  const path = join(folder, "questions");
  await writeFile(path, text);
  return await readQuestions(path);
}

it("takes plain lines and JSON lines, and passes over empty ones", async () => {
  const text = 'who signed it\r\n\n{"text": " what does it cost ", "id": 7}\n  where \n';
  expect(await read(text)).toEqual(["who signed it", "what does it cost", "where"]);
});

it("names the line that is wrong", async () => {
  await expect(read('fine\n{"question": "?"}')).rejects.toMatchObject({
    code: "invalid_request",
    message: expect.stringContaining("line 2 of"),
  });
  await expect(read('fine\n{"text": ')).rejects.toThrow("line 2 of");
  await expect(read("x".repeat(MAX_QUERY_CHARS + 1))).rejects.toThrow(`${MAX_QUERY_CHARS + 1} characters`);
});

it("refuses no questions, too many, and a file that is not there", async () => {
  await expect(read("\n \n")).rejects.toThrow("has no question");
  await expect(read("a\n".repeat(MAX_QUESTIONS + 1))).rejects.toThrow(`${MAX_QUESTIONS + 1} questions`);
  await expect(readQuestions(join(folder, "nothing"))).rejects.toMatchObject({ code: "invalid_request" });
});
