/**
 * What the tests of tasks share: a clock that is set by hand and a queue that notes what it is sent.
 *
 * @module
 */
import type { Clock } from "../../shared/ports.ts";
import type { TaskDocumentRequest, TaskRequest } from "./contract.ts";

/** 2026-01-01, some time that ids and records can be made of. */
export const START_MS = Date.UTC(2026, 0, 1);

export class ManualClock implements Clock {
  ms = START_MS;
  nowMs(): number {
    return this.ms;
  }
  async sleep(durationMs: number): Promise<void> {
    this.ms += durationMs;
  }
}

export class NotedMessages {
  readonly bodies: string[] = [];
  failure: Error | undefined;
  async send(bodies: readonly string[]): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.bodies.push(...bodies);
  }
}

/** A request to add documents that were uploaded under their own names' letters. */
export function addRequest(names: readonly string[], more: { webhookUrl?: string; index?: string } = {}): TaskRequest {
  return { type: "documents.add", index: "notes", ...more, documents: names.map(uploaded) };
}

export function uploaded(name: string): TaskDocumentRequest {
  return { name, source: { kind: "upload", uploadId: uploadIdOf(name) } };
}

export function uploadIdOf(name: string): string {
  return name.replace(/[^0-9A-Za-z_-]/g, "-");
}
