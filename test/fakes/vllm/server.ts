/**
 * A vLLM server for tests: real HTTP on a free port, `/v1/models`, `/health` and `/pooling` as vLLM's documentation and sources
 * describe them (where they were read: `encoder/backends/vllm/protocol.ts`).
 *
 * Known gaps: no chat templates and no tokenizer (a string is its words between two specials, an image is as many tokens as the
 * test says), no LoRA, no IO processors, no fp8, and nothing but `token_embed` is computed.
 *
 * @module
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { encodePooled, fakeVectors, type FakeVectors } from "./vectors.ts";

export interface FakeVllmOptions {
  /** Served name; default {@link DEFAULT_MODEL}. */
  model?: string;
  /** What was loaded; default: as the name. */
  root?: string;
  dim?: number;
  apiKey?: string;
  /** `--pooler-config.task`; since 0.20 a server has one. */
  task?: string;
  maxModelLen?: number;
  imageTokens?: number;
  /** `--trust-request-chat-template` */
  trustRequestChatTemplate?: boolean;
}

export const DEFAULT_MODEL = "vidore/colpali-v1.3-hf";
export const DEFAULT_DIM = 128;

/** What can go wrong with one request; each takes the place of one answer of `/pooling`. */
export type Fault =
  | { kind: "status"; status: number; body?: string }
  /** Answers after so long. */
  | { kind: "slow"; delayMs: number }
  /** The connection ends before the answer, or after its first half. */
  | { kind: "drop"; when: "before" | "during" }
  /** Another answer than the right one. */
  | { kind: "alter"; alter: (vectors: FakeVectors[]) => FakeVectors[] }
  | { kind: "body"; body: string };

export interface SeenRequest {
  path: string;
  authorization: string | undefined;
  body: Record<string, unknown>;
}

export class FakeVllm {
  /** Answered by the next requests to `/pooling`, in order; then all goes well again. */
  readonly faults: Fault[] = [];
  /** Requests to `/pooling`. */
  readonly seen: SeenRequest[] = [];
  /** The largest number of requests to `/pooling` that were under way at once. */
  mostAtOnce = 0;
  readonly #options: FakeVllmOptions;
  readonly #server: Server;
  #underWay = 0;

  private constructor(options: FakeVllmOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => {
        console.error(error);
        response.destroy();
      });
    });
  }

  static async start(options: FakeVllmOptions = {}): Promise<FakeVllm> {
    const fake = new FakeVllm(options);
    await new Promise<void>((resolve) => {
      fake.#server.listen(0, "127.0.0.1", resolve);
    });
    return fake;
  }

  get baseUrl(): string {
    const address = this.#server.address();
    return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url = "", method } = request;
    const { authorization } = request.headers;
    const { apiKey } = this.#options;
    // Its middleware answers before anything is looked at, in a shape of its own.
    if (apiKey !== undefined && url !== "/health" && authorization !== `Bearer ${apiKey}`) {
      return sendJson(response, 401, { error: "Unauthorized" });
    }
    if (url === "/health") return void response.writeHead(200).end();
    if (url === "/v1/models") return sendJson(response, 200, this.#modelList());
    // The framework's own shape.
    if (url !== "/pooling") return sendJson(response, 404, { detail: "Not Found" });
    if (method !== "POST") return sendJson(response, 405, { detail: "Method Not Allowed" });
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#underWay);
    try {
      const body: Record<string, unknown> = JSON.parse(await readText(request));
      this.seen.push({ path: url, authorization, body });
      await this.#pool(body, response);
    } finally {
      this.#underWay--;
    }
  }

  #modelList(): object {
    const { model = DEFAULT_MODEL, root = model, maxModelLen = 4_096 } = this.#options;
    const created = 1_760_000_000;
    const permission = [
      { id: "modelperm-0", object: "model_permission", created, allow_view: true, organization: "*" },
    ];
    const card = { id: model, object: "model", created, owned_by: "vllm", root, parent: null };
    return { object: "list", data: [{ ...card, max_model_len: maxModelLen, permission }] };
  }

  async #pool(body: Record<string, unknown>, response: ServerResponse): Promise<void> {
    const fault = this.faults.shift();
    if (fault?.kind === "status") {
      return void response.writeHead(fault.status, { "content-type": "application/json" }).end(fault.body ?? "");
    }
    if (fault?.kind === "slow") await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
    if (fault?.kind === "drop" && fault.when === "before") return void response.destroy();
    if (fault?.kind === "body") return void response.writeHead(200).end(fault.body);

    const problem = this.#problemOf(body);
    if (problem !== undefined) return sendJson(response, problem.code, { error: problem });
    const vectors = fakeVectors(body, this.#options.dim ?? DEFAULT_DIM, this.#options.imageTokens ?? 10);
    const tooLong = vectors.find((item) => item.tokens > (this.#options.maxModelLen ?? 4_096));
    if (tooLong !== undefined) return sendJson(response, 400, { error: this.#tooLong(tooLong.tokens) });
    const altered = fault?.kind === "alter" ? fault.alter(vectors) : vectors;
    const { payload, headers } = encodePooled(altered, body, this.#options.model ?? DEFAULT_MODEL);
    response.writeHead(200, headers);
    if (fault?.kind !== "drop") return void response.end(payload);
    response.write(payload.subarray(0, payload.length / 2), () => response.destroy());
  }

  /** As vLLM checks a request, in its words. */
  #problemOf(body: Record<string, unknown>) {
    const { model = DEFAULT_MODEL, task = "token_embed" } = this.#options;
    if (body["model"] !== undefined && body["model"] !== model) {
      const message = `The model \`${textOf(body["model"])}\` does not exist.`;
      return { message, type: "NotFoundError", param: "model", code: 404 };
    }
    if (body["dimensions"] !== undefined) return badRequest("dimensions is currently not supported", "dimensions");
    if (body["task"] !== task) {
      const wanted = textOf(body["task"]);
      return badRequest(`Try switching the model's pooling_task via --pooler-config.task ${wanted}.`, "task");
    }
    if (body["chat_template"] !== undefined && this.#options.trustRequestChatTemplate !== true) {
      const reason = "Chat template is passed with request, but --trust-request-chat-template is not set.";
      return badRequest(`${reason} Refused request with untrusted chat template.`, null);
    }
    if (body["input"] === undefined && body["messages"] === undefined) return badRequest("Field required", "input");
    if (Array.isArray(body["input"]) && new Set(body["input"].map((one: unknown) => typeof one)).size > 1) {
      return badRequest("Input should be a valid string", "input");
    }
    return undefined;
  }

  #tooLong(tokens: number) {
    const { maxModelLen = 4_096 } = this.#options;
    const limit = `This model's maximum context length is ${maxModelLen} tokens.`;
    return badRequest(`${limit} However, your request has ${tokens} input tokens.`, "input_tokens");
  }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function badRequest(message: string, param: string | null) {
  return { message, type: "BadRequestError", param, code: 400 };
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
