/**
 * This end of a child process that answers one request at a time: what may crash, hang or fill the memory runs there.
 *
 * @module
 */
import { type ChildProcess, fork } from "node:child_process";
import { Socket } from "node:net";
import { fileURLToPath } from "node:url";

/** A reply, or the end of the process: it ran out of time, or it ended without an answer. */
export type Outcome<Reply> = Reply | { type: "timeout"; timeoutMs: number } | { type: "crashed"; how: string };

export interface RequestProcessOptions<Reply> {
  /** The module that the child runs. */
  module: URL;
  /** Who it is in sentences: `the renderer`. */
  who: string;
  /** JavaScript heap in MiB. Native memory is the watchdog's to bound. */
  heapMb: number;
  /** Whether a message of the child is an answer. */
  isReply: (message: unknown) => message is Reply;
}

/**
 * Heaps of malloc, of which there would be eight for each core: threads that hand memory on to each other leave a part of it in
 * each. A renderer that had drawn 80 pages had an RSS of 291 MiB without, of 233 MiB with two, and took no more processor time.
 */
const MALLOC_HEAPS = "2";

/** V8 says on its last lines why it gave up. */
const STDERR_TAIL_CHARS = 4_096;

/** One child process. It answers one request at a time; after `timeout` or `crashed` it is gone. */
export class RequestProcess<Request extends object, Reply extends object> {
  readonly #child: ChildProcess;
  readonly #who: string;
  #stderrTail = "";
  #alive = true;
  #settle: ((outcome: Outcome<Reply>) => void) | undefined;

  constructor({ module, who, heapMb, isReply }: RequestProcessOptions<Reply>) {
    this.#who = who;
    this.#child = fork(fileURLToPath(module), [], {
      serialization: "advanced",
      env: { MALLOC_ARENA_MAX: MALLOC_HEAPS, ...process.env },
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      execArgv: [`--max-old-space-size=${heapMb}`, "--disable-warning=ExperimentalWarning"],
    });
    this.#child.on("message", (message) => {
      if (isReply(message)) this.#finish(message);
    });
    const { stderr } = this.#child;
    if (stderr instanceof Socket) stderr.unref();
    stderr?.on("data", (chunk) => {
      this.#stderrTail = (this.#stderrTail + String(chunk)).slice(-STDERR_TAIL_CHARS);
    });
    this.#child.on("error", (error) => this.#end(error.message));
    // `close` comes after the last of stderr.
    this.#child.on("close", (code, signal) => this.#end(this.#describeEnd(code, signal)));
    this.#idle();
  }

  get alive(): boolean {
    return this.#alive;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get busy(): boolean {
    return this.#settle !== undefined;
  }

  /** Sends a request and waits for its outcome. Never rejects. */
  request(request: Request, timeoutMs: number): Promise<Outcome<Reply>> {
    if (!this.#alive) return Promise.resolve({ type: "crashed", how: `${this.#who} had ended before` });
    this.#busy();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#finish({ type: "timeout", timeoutMs });
        this.kill();
      }, timeoutMs);
      this.#settle = (outcome) => {
        clearTimeout(timer);
        this.#idle();
        resolve(outcome);
      };
      this.#child.send(request, (error) => {
        if (error !== null) this.#end(error.message);
      });
    });
  }

  /** Ends the process at once; a request under way is `crashed`. */
  kill(): void {
    this.#end(`${this.#who} was ended`);
    this.#child.kill("SIGKILL");
  }

  #finish(outcome: Outcome<Reply>): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(outcome);
  }

  #end(how: string): void {
    this.#alive = false;
    this.#finish({ type: "crashed", how });
  }

  /** An idle process must not keep the caller's process from ending. */
  #idle(): void {
    this.#child.unref();
    this.#child.channel?.unref();
  }

  #busy(): void {
    this.#child.ref();
    this.#child.channel?.ref();
  }

  #describeEnd(code: number | null, signal: NodeJS.Signals | null): string {
    if (/heap out of memory|Allocation failed/i.test(this.#stderrTail))
      return "it needed more memory than a page may take";
    // The watchdog, or the kernel.
    if (signal === "SIGKILL") return "it needed more memory than a page may take, or was ended from outside";
    return signal === null ? `${this.#who} ended with exit code ${code}` : `${this.#who} crashed (${signal})`;
  }
}
