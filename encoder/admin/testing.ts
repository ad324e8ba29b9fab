/**
 * The service's writing routes over a bucket in memory, for the tests of this folder.
 *
 * @module
 */
import type { Hono } from "hono";
import { pino } from "pino";
import { type Task, taskSchema } from "../../shared/api/tasks.ts";
import { problemSchema } from "../../shared/api/search.ts";
import { PROBLEM_CONTENT_TYPE } from "../../shared/errors.ts";
import { UPLOADS_PREFIX } from "../../shared/store/layout.ts";
import { UrlAllowList } from "../fetch/allow-list.ts";
import { TestIndex } from "../indexing/testing-index.ts";
import { findRecipe } from "../models/registry.ts";
import { createEncoderApp } from "../service/app.ts";
import type { ServiceEnv } from "../service/service-env.ts";
import { NotedMessages } from "../tasks/testing.ts";
import { TaskStore } from "../tasks/task-store.ts";
import type { AdminServices } from "./admin-services.ts";

export const SECRET = "of-the-service";

export class TestService {
  readonly books = new TestIndex();
  readonly messages = new NotedMessages();
  readonly app: Hono<ServiceEnv>;

  constructor(more: Partial<AdminServices> = {}, options: { withAdmin: boolean } = { withAdmin: true }) {
    const { store } = this.books;
    const admin: AdminServices = {
      store,
      tasks: new TaskStore({ store, queue: this.messages }),
      documentUrls: UrlAllowList.parse("files.example.com"),
      webhookUrls: UrlAllowList.parse("*"),
      recipeOf: async (name) => findRecipe(name),
      ...more,
    };
    this.app = createEncoderApp({
      encoder: { encode: () => Promise.reject(new Error("nothing is encoded here")) },
      secret: SECRET,
      logger: pino({ level: "silent" }),
      limits: { concurrency: 1, maxWaiting: 1 },
      admin: options.withAdmin ? admin : undefined,
    });
  }

  async send(
    method: string,
    path: string,
    body?: string | FormData | ReadableStream<Uint8Array>,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const init: RequestInit = { method, headers: { authorization: `Bearer ${SECRET}`, ...headers } };
    if (body !== undefined) Object.assign(init, { body, duplex: "half" });
    return await this.app.request(path, init);
  }

  async sendJson(method: string, path: string, body: unknown): Promise<Response> {
    return await this.send(method, path, JSON.stringify(body), { "content-type": "application/json" });
  }

  /** Keys of all that lies in the bucket. */
  async keys(): Promise<string[]> {
    return (await this.books.store.list("")).objects.map(({ key }) => key);
  }

  /** What lies under `uploads/`, by id. */
  async uploads(): Promise<Map<string, string>> {
    const { objects } = await this.books.store.list(UPLOADS_PREFIX);
    const read = objects.map(async ({ key }) => {
      const object = await this.books.store.get(key);
      return [key.slice(UPLOADS_PREFIX.length), new TextDecoder().decode(object?.bytes)] as const;
    });
    return new Map(await Promise.all(read));
  }
}

/** The task that `response` accepted. */
export async function taskOf(response: Response): Promise<Task> {
  if (response.status !== 202) throw new Error(`status ${response.status}: ${await response.text()}`);
  return taskSchema.parse(await response.json());
}

/** `status code` of the problem that `response` is; throws when it is none. */
export async function problemOf(response: Response): Promise<{ is: string; detail: string }> {
  if (response.headers.get("content-type") !== PROBLEM_CONTENT_TYPE)
    throw new Error(`status ${response.status}, no problem`);
  const { status, code, detail } = problemSchema.parse(await response.json());
  if (status !== response.status) throw new Error(`status ${response.status} says ${status}`);
  return { is: `${status} ${code}`, detail };
}
