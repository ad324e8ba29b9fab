/**
 * What is left to do when a task is over: its uploads go, its webhook is delivered, its marker goes.
 *
 * Each step may be done again. A webhook that was sent by a worker that died before it could note it is sent again.
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import type { Task } from "../../shared/api/tasks.ts";
import { type Clock, systemClock } from "../../shared/ports.ts";
import { layout } from "../../shared/store/layout.ts";
import type { TaskRecord } from "./task-record.ts";
import { isoOf, type TaskStore } from "./task-store.ts";
import type { Delivery, WebhookSender } from "./webhook.ts";

const MINUTE_MS = 60_000;
/** Pauses after attempts that failed, about the specification's; the keeper looks every KEEP_MS. Then it is given up. */
export const WEBHOOK_PAUSES_MS: readonly number[] = [1, 5, 30, 2 * 60, 5 * 60, 10 * 60].map((min) => min * MINUTE_MS);
/** Longer than an attempt takes. */
const DELIVERY_LEASE_MS = MINUTE_MS;
/** Of what the other side says. */
const MAX_REASON_CHARS = 300;

export interface CloseTaskOptions {
  tasks: TaskStore;
  /** Absent: this worker has no secret, and says so in the tasks that want one. */
  webhooks?: WebhookSender | undefined;
  clock?: Clock | undefined;
}

/** Errors: `store_unavailable`, and others of `TaskStore.update`: then it is done again later. */
export async function closeTask(record: TaskRecord, options: CloseTaskOptions): Promise<void> {
  const { tasks } = options;
  const { id } = record.task;
  if (record.closedAtMs === undefined) {
    const uploads = record.inputs.flatMap(({ source }) =>
      source.kind === "upload" ? [layout.upload(source.uploadId)] : [],
    );
    if (uploads.length > 0) await tasks.store.delete(uploads);
    const told = await deliverWebhook(record, options);
    if (told?.closedAtMs === undefined) return;
  }
  await tasks.store.delete([layout.openTask(id)]);
}

/** The record afterwards, closed when there is nothing more to deliver; undefined when another worker is at it or it is not due. */
async function deliverWebhook(
  { task: { id } }: TaskRecord,
  { tasks, webhooks, clock = systemClock }: CloseTaskOptions,
): Promise<TaskRecord | undefined> {
  const holder = randomUUID();
  const claimed = await tasks.update(id, (current) => {
    const nowMs = clock.nowMs();
    if (current.closedAtMs !== undefined) return undefined;
    if (current.task.webhook === undefined) return { ...current, closedAtMs: nowMs };
    if (current.dueAtMs > nowMs || (current.lease !== undefined && current.lease.untilMs > nowMs)) return undefined;
    return { ...current, lease: { holder, untilMs: nowMs + DELIVERY_LEASE_MS } };
  });
  if (claimed.lease?.holder !== holder) return claimed;
  const { webhook } = claimed.task;
  if (webhook === undefined) return claimed;
  const delivery = await (webhooks?.deliver(webhook.url, claimed.task) ?? NO_SECRET);
  return await tasks.update(id, (current) => noted(current, delivery, clock.nowMs()));
}

const NO_SECRET: Delivery = {
  delivered: false,
  reason: "this worker has no secret to sign it with (MAXLEAF_WEBHOOK_SECRET)",
  isFinal: false,
};

function noted(record: TaskRecord, delivery: Delivery, nowMs: number): TaskRecord {
  const { lease: _lease, ...rest } = record;
  const before = record.task.webhook;
  if (before === undefined) return rest;
  const attempts = before.attempts + 1;
  const pauseMs = WEBHOOK_PAUSES_MS[attempts - 1];
  const webhook: NonNullable<Task["webhook"]> = delivery.delivered
    ? { url: before.url, attempts, deliveredAt: isoOf(nowMs) }
    : { url: before.url, attempts, lastError: delivery.reason.slice(0, MAX_REASON_CHARS) };
  const isLast = delivery.delivered || delivery.isFinal || pauseMs === undefined;
  return {
    ...rest,
    task: { ...record.task, webhook },
    dueAtMs: nowMs + (pauseMs ?? 0),
    ...(isLast && { closedAtMs: nowMs }),
  };
}
