import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalQueue } from "../../encoder/queue/local-queue.ts";
import { describeQueue } from "./queue.ts";

describeQueue("a local file", {
  open: async () => {
    const folder = mkdtempSync(join(tmpdir(), "maxleaf-queue-"));
    const queue = LocalQueue.open(join(folder, "queue.sqlite"));
    return {
      queue,
      deadLetters: async () => queue.deadLetters(),
      close: async () => await rm(folder, { recursive: true, force: true }),
    };
  },
});
