/**
 * Everything that Maxleaf reads and somebody else may have damaged, with what is right and how it is read.
 *
 * @module
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LocalQueue } from "../../../encoder/queue/local-queue.ts";
import { exportFiles } from "../../../encoder/maintenance/export-format.ts";
import { examineIndex } from "../../../encoder/maintenance/doctor.ts";
import { importIndex } from "../../../encoder/maintenance/import-index.ts";
import { listAll } from "../../../encoder/maintenance/list-all.ts";
import { parseRelativeKey } from "../../../encoder/maintenance/object-kinds.ts";
import { decodeTask, encodeTask, type TaskRecord } from "../../../encoder/tasks/task-record.ts";
import { taskOfMessage } from "../../../encoder/tasks/task-message.ts";
import { parseBucketEvents } from "../../../encoder/worker/bucket-events.ts";
import { encodeAlias, readAlias } from "../../../shared/format/aliases.ts";
import {
  readContainer,
  writeContainer,
  type ContainerKind,
  type SectionKind,
} from "../../../shared/format/container.ts";
import { crc32 } from "../../../shared/format/crc32.ts";
import type { Random } from "../../../shared/ports.ts";
import { layout } from "../../../shared/store/layout.ts";
import { MemoryStore } from "../../../shared/store/memory-store.ts";
import { copyOf, stateOf } from "./index-state.ts";
import { mutate } from "./mutate.ts";
import { exportForImports, manySegments } from "./scenarios.ts";
import { INDEX } from "./small-documents.ts";

export interface Subject {
  name: string;
  bytes: Uint8Array;
  /** Damages `bytes`; by default {@link mutate}. */
  damage?: (bytes: Uint8Array, random: Random) => Uint8Array;
  /** What is read of `bytes`, whole or damaged. A typed error is as good. */
  read: (bytes: Uint8Array) => Promise<unknown>;
  /** Damage is always noticed, so what is read without an error is what is read of whole bytes. */
  isChecked: boolean;
}

const TASK_RECORD: TaskRecord = {
  format: 1,
  changeId: "c",
  task: {
    id: "0123456789abcdef01234567",
    type: "documents.add",
    index: INDEX,
    status: "processing",
    enqueuedAt: "2026-01-01T00:00:00.000Z",
    attempts: 1,
    progress: 0.5,
    documents: [{ name: "a.pdf", status: "processing", pageCount: 3, pagesDone: 1 }],
  },
  inputs: [{ source: { kind: "upload", uploadId: "u" }, metadata: { shelf: "north" } }],
  dueAtMs: 1_700_000_000_000,
  resends: 0,
  spentAttempts: 1,
};

const SECTIONS: readonly SectionKind[] = [
  "identity",
  "pages",
  "documents",
  "bags",
  "records",
  "vectors",
  "centroids",
  "codewords",
  "cells",
  "training",
  "documentIds",
  "documentIdBlocks",
  "coverage",
  "directory",
  "cellTable",
  "lexicalBlocks",
  "lexicalTable",
];

const CONTAINERS: Readonly<Record<string, ContainerKind>> = {
  segment: "segment",
  vectors: "vectors",
  codebook: "codebook",
  inverted: "inverted",
  lexical: "lexical",
};

/** @param folder for files, which the caller removes. */
export async function allSubjects(folder: string): Promise<Subject[]> {
  return [
    ...(await indexSubjects()),
    ...(await exportSubjects(folder)),
    ...messageSubjects(),
    ...(await queueSubjects(folder)),
  ];
}

/** One object of each kind that an index is made of, read by searches and by the doctor. */
async function indexSubjects(): Promise<Subject[]> {
  const store = new MemoryStore();
  await manySegments(store);
  const subjects = new Map<string, Subject>();
  for await (const { key } of listAll(store, layout.index(INDEX))) {
    const kind = kindOf(key);
    const object = await store.get(key);
    if (kind === undefined || object === undefined) continue;
    const { bytes } = object;
    const read = async (damaged: Uint8Array) => {
      const copy = await copyOf(store);
      await copy.put(key, damaged);
      await examineIndex({ store: copy, index: INDEX, deep: true });
      return await stateOf(copy, INDEX);
    };
    // The last of each kind: the newest manifest, which is what everybody reads.
    subjects.set(kind, { name: kind, bytes, read, isChecked: true });
    const container = CONTAINERS[kind];
    if (container !== undefined) subjects.set(`${kind}, checksums forged`, forged(kind, container, bytes, read));
    if (kind === "manifest") {
      subjects.set("manifest, checksum forged", {
        name: "manifest, checksum forged",
        bytes,
        read,
        damage: forgeManifest,
        isChecked: false,
      });
    }
  }
  return [...subjects.values(), aliasSubject()];
}

/** Undefined of sources and images, which nobody decodes. */
function kindOf(key: string): string | undefined {
  const relative = key.slice(layout.index(INDEX).length);
  const { kind } = parseRelativeKey(relative);
  if (kind === "source" || kind === "image" || kind === "thumbnail") return undefined;
  const isPart = /\.\d+$/.test(relative);
  return isPart ? `${kind} part` : kind;
}

/** A section is damaged and every checksum of the file is right: what is behind the checksums must hold too. */
function forged(kind: string, container: ContainerKind, bytes: Uint8Array, read: Subject["read"]): Subject {
  const table = readContainer(bytes, bytes.byteLength, container, kind);
  const sections = SECTIONS.flatMap((section) => {
    const entry = table.find(section);
    return entry === undefined ? [] : [{ kind: section, ...entry }];
  }).toSorted((a, b) => a.offset - b.offset);
  const damage = (whole: Uint8Array, random: Random) => {
    const target = Math.floor(random.next() * sections.length);
    const parts = sections.map(({ kind: section, offset, length }, at) => {
      const part = whole.subarray(offset, offset + length);
      return { kind: section, parts: [at === target ? mutate(part, random, { sameSize: true }) : part] };
    });
    return writeContainer(container, parts);
  };
  return { name: `${kind}, checksums forged`, bytes, damage, read, isChecked: false };
}

const MANIFEST_HEAD = '{"crc32":"00000000",';

function forgeManifest(bytes: Uint8Array, random: Random): Uint8Array {
  const rest = mutate(bytes.subarray(MANIFEST_HEAD.length), random);
  const digits = crc32(rest).toString(16).padStart(8, "0");
  return Uint8Array.from([...new TextEncoder().encode(`{"crc32":"${digits}",`), ...rest]);
}

function aliasSubject(): Subject {
  const read = async (bytes: Uint8Array) => {
    const store = new MemoryStore();
    await store.put(layout.alias("name"), bytes);
    return await readAlias(store, "name");
  };
  const bytes = encodeAlias({ index: INDEX, changedAtMs: 1_700_000_000_000 });
  return { name: "alias", bytes, read, isChecked: false };
}

/** The files of an export, imported. */
async function exportSubjects(folder: string): Promise<Subject[]> {
  const exported = join(folder, "export");
  await mkdir(exported);
  await exportForImports(exported);
  const { head, list, manifest } = exportFiles(exported);
  return await Promise.all(
    Object.entries({ head, list, manifest }).map(async ([name, path]): Promise<Subject> => {
      const bytes = await readFile(path);
      const read = async (damaged: Uint8Array) => {
        await writeFile(path, damaged);
        const store = new MemoryStore();
        try {
          await importIndex({ store, index: INDEX, folder: exported });
        } finally {
          await writeFile(path, bytes);
        }
        return await stateOf(store, INDEX);
      };
      // The head itself has only facts that do not change what is imported, and the hashes of the rest.
      return { name: `export, ${name}`, bytes, read, isChecked: true };
    }),
  );
}

function messageSubjects(): Subject[] {
  const s3 = {
    eventName: "ObjectCreated:Put",
    s3: { bucket: { name: "b" }, object: { key: "a%20b.pdf", size: 1, eTag: "e" } },
  };
  const s3Body = JSON.stringify({ Records: [s3, s3] });
  const bodies = {
    S3: s3Body,
    SNS: JSON.stringify({ Type: "Notification", TopicArn: "arn:aws:sns:t", Message: s3Body }),
    EventBridge: JSON.stringify({
      source: "aws.s3",
      "detail-type": "Object Created",
      detail: { bucket: { name: "b" }, object: { key: "a.pdf", etag: "e" } },
    }),
    R2: JSON.stringify({
      account: "a",
      action: "PutObject",
      bucket: "b",
      object: { key: "a.pdf", size: 1, eTag: "e" },
    }),
  };
  const events = Object.entries(bodies).map(([name, body]): Subject => {
    const read = async (bytes: Uint8Array) => parseBucketEvents(new TextDecoder().decode(bytes));
    return { name: `message of ${name}`, bytes: new TextEncoder().encode(body), read, isChecked: false };
  });
  return [...events, taskSubject(), taskMessageSubject()];
}

function taskMessageSubject(): Subject {
  const read = async (bytes: Uint8Array) => taskOfMessage(new TextDecoder().decode(bytes));
  const bytes = new TextEncoder().encode(`{"maxleafTask":"${TASK_RECORD.task.id}"}`);
  return { name: "message of a task", bytes, read, isChecked: false };
}

function taskSubject(): Subject {
  const read = async (bytes: Uint8Array) => decodeTask(bytes, TASK_RECORD.task.id);
  return { name: "task record", bytes: encodeTask(TASK_RECORD), read, isChecked: false };
}

/** The local queue's file, which SQLite reads. */
async function queueSubjects(folder: string): Promise<Subject[]> {
  const path = join(folder, "queue.sqlite");
  const queue = LocalQueue.open(path);
  await queue.send(Array.from({ length: 20 }, (_, number) => JSON.stringify({ number })));
  queue.close();
  let count = 0;
  const read = async (bytes: Uint8Array) => {
    const damaged = join(folder, `damaged-${count++}.sqlite`);
    await writeFile(damaged, bytes);
    const opened = LocalQueue.open(damaged);
    try {
      const [first] = await opened.receive({ max: 10, waitMs: 0, visibilityMs: 1_000 });
      if (first !== undefined) await opened.ack([first]);
      return [opened.depth(), opened.deadLetters()];
    } finally {
      opened.close();
    }
  };
  return [{ name: "local queue", bytes: await readFile(path), read, isChecked: false }];
}
