/**
 * Everything that a process needs to do tasks, put together: store, runner and keeper, over one bucket and one queue.
 *
 * @module
 */
import { type Clock } from "../../shared/ports.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { fetchDocument } from "../fetch/fetch-document.ts";
import { guardedRequest, type RequestGuard } from "../fetch/guarded-request.ts";
import { outsideUrlsOf } from "../fetch/outside-urls.ts";
import type { ExecutionProvider } from "../models/onnx-session.ts";
import type { JobQueue } from "../queue/queue.ts";
import type { IndexSink } from "../worker/sync-documents.ts";
import { addDocuments } from "./add-documents.ts";
import { closeTask } from "./close-task.ts";
import { maintainIndex } from "./maintain-index.ts";
import type { FetchDocument, PostWebhook } from "./ports.ts";
import { TaskKeeper } from "./task-keeper.ts";
import type { TaskRecord } from "./task-record.ts";
import { TaskRunner } from "./task-runner.ts";
import { TaskStore } from "./task-store.ts";
import { WebhookSender } from "./webhook.ts";

export interface OpenTasksOptions {
  store: ObjectStore;
  queue: Pick<JobQueue, "send">;
  sink: Pick<IndexSink, "ingest">;
  /** `fetchDocument` and `postWebhook`: see `taskPortsOf`. */
  ports: TaskPorts;
  threads?: number | undefined;
  executionProvider?: ExecutionProvider | undefined;
  onLog?: ((line: string) => void) | undefined;
  clock?: Clock | undefined;
  /** See `TaskRunnerOptions`. */
  leaseMs?: number | undefined;
  beatMs?: number | undefined;
}

/** What reaches the outside. Absent ones are refused, in the task. */
export interface TaskPorts {
  fetchDocument?: FetchDocument | undefined;
  webhooks?: WebhookSender | undefined;
}

/** Started and stopped by the caller, who gives `runner` to `runWorker`. */
export interface OpenedTasks {
  store: TaskStore;
  runner: TaskRunner;
  keeper: TaskKeeper;
}

/** Nothing is read or written yet. */
export function openTasks(options: OpenTasksOptions): OpenedTasks {
  const { store, queue, sink, ports, threads, executionProvider, onLog, clock } = options;
  const onWarning = (message: string) => onLog?.(`warning: ${message}`);
  const tasks = new TaskStore({ store, queue, onWarning, clock });
  const close = async (record: TaskRecord) => await closeTask(record, { tasks, webhooks: ports.webhooks, clock });
  const runner = new TaskRunner({
    tasks,
    close,
    onLog,
    clock,
    leaseMs: options.leaseMs,
    beatMs: options.beatMs,
    work: async (session, signal) => {
      if (session.record.task.type === "documents.add") {
        await addDocuments(session, { store, sink, fetchDocument: ports.fetchDocument, signal });
      } else await maintainIndex(session, { store, threads, executionProvider, signal, onWarning });
    },
  });
  return { store: tasks, runner, keeper: new TaskKeeper({ tasks, close, onLog, clock }) };
}

/**
 * The ports as the environment has them: documents from the hosts that `outsideUrlsOf` names, webhooks to those, signed with
 * `MAXLEAF_WEBHOOK_SECRET` and not sent without.
 *
 * @param guard for tests: what resolves hosts and which addresses are allowed.
 * @throws MaxleafError `invalid_request` for a list or a secret that is none.
 */
export function taskPortsOf(
  env: Readonly<Record<string, string | undefined>>,
  guard: Omit<RequestGuard, "allow"> = {},
): TaskPorts {
  const { documents: allow, webhooks: webhookAllow } = outsideUrlsOf(env);
  const secret = env["MAXLEAF_WEBHOOK_SECRET"] ?? "";
  const post: PostWebhook = async (url, { headers, body, signal }) => {
    const request = { method: "POST", headers, body, signal } as const;
    const { status, message } = await guardedRequest(url, request, { ...guard, allow: webhookAllow });
    message.destroy();
    return { status };
  };
  return {
    fetchDocument: async (url, path, signal) => void (await fetchDocument(url, path, { ...guard, allow, signal })),
    webhooks: secret === "" ? undefined : new WebhookSender(secret, post),
  };
}
