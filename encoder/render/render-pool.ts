/**
 * Renders documents in child processes: a file that crashes, hangs or fills the memory loses its page, or at worst
 * itself, and never this process.
 *
 * @module
 */
import { availableParallelism } from "node:os";
import { MaxleafError } from "../../shared/errors.ts";
import { DEFAULT_BOUNDS, DOCUMENTS_PER_PROCESS, MAX_RENDER_PROCESSES, type RenderBounds } from "./limits.ts";
import type { OfficeOptions } from "./office/convert-office.ts";
import type { HandOptions, PictureOptions, ProcessLoan } from "./render-hand.ts";
import { RenderProcess } from "./render-process.ts";
import { RenderedDocument } from "./rendered-document.ts";
import type { RenderedPage, SourceFile } from "./rendered-page.ts";

export interface RenderOptions {
  /**
   * Processes at once. Default: one per core, at most `MAX_RENDER_PROCESSES`: a page of text costs as much to draw as to encode,
   * and whoever is ahead waits for the other.
   */
  processes?: number;
  /** Replaces some of the usual bounds on time and memory. */
  bounds?: Partial<RenderBounds>;
  /** How office files become PDFs. */
  office?: Omit<OfficeOptions, "signal">;
}

/** Keeps render processes and lends each to one document at a time; a long document that is alone gets several. */
export class RenderPool {
  readonly #idle: RenderProcess[] = [];
  readonly #lent = new Set<RenderProcess>();
  readonly #waiting: (() => void)[] = [];
  readonly #bounds: RenderBounds;
  readonly #office: OfficeOptions;
  /** Ends conversions when the pool is closed. */
  readonly #stop = new AbortController();
  readonly #processes: number;
  #free: number;
  /** Processes that may be, idle or lent; each document has one all the same. */
  #most: number;
  #closed = false;

  constructor(options: RenderOptions = {}) {
    this.#bounds = { ...DEFAULT_BOUNDS, ...options.bounds };
    this.#office = { ...options.office, signal: this.#stop.signal };
    this.#free = options.processes ?? Math.min(MAX_RENDER_PROCESSES, availableParallelism());
    this.#processes = this.#free;
    this.#most = this.#free;
  }

  /**
   * Opens a document; waits while all processes are taken. Iterate over the result once, or close it.
   *
   * @param options - `pictureLongEdgePx`: pages come with raw pictures, their long edge at most this long (11 MB a page of A4
   *   at 2,339).
   *
   * Errors: `file_empty`, `file_unsupported`, `file_encrypted`, `file_unreadable`, `file_too_large`, `render_timeout`.
   */
  async open(
    file: SourceFile,
    options: PictureOptions & Pick<HandOptions, "onRendered"> = {},
  ): Promise<RenderedDocument> {
    await this.#acquire();
    try {
      return await RenderedDocument.open(file, { ...this.#bounds, ...options, ...this.#office }, this.#loan());
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  /**
   * Allows no more than `share` of the pool's processes, rounded down, where documents do without more: each keeps one. Surplus ones end when
   * their page is rendered. For the time that another job has use for their memory, about 300 MB each; 1 allows all again.
   */
  limitProcesses(share: number): void {
    this.#most = Math.floor(this.#processes * share);
    const surplus = this.#idle.length + this.#lent.size - this.#most;
    if (surplus > 0) for (const process of this.#idle.splice(0, surplus)) process.kill();
  }

  /** Ends all processes. Documents still being read fail. */
  close(): void {
    this.#closed = true;
    this.#stop.abort();
    for (const process of [...this.#idle, ...this.#lent]) process.kill();
    this.#idle.length = 0;
    this.#lent.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #loan(): ProcessLoan {
    return {
      take: () => this.#take(),
      giveBack: (process) => this.#giveBack(process),
      end: () => this.#release(),
      another: () => {
        if (this.#closed || this.#free === 0 || this.#lent.size >= this.#most) return undefined;
        this.#free--;
        return this.#loan();
      },
      isWanted: () => this.#lent.size > this.#most || this.#waiting.length > 0,
    };
  }

  async #acquire(): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }

  #take(): RenderProcess {
    if (this.#closed) throw new MaxleafError("internal", "the render pool is closed");
    let process = this.#idle.pop();
    // An idle process may have been ended from outside.
    while (process !== undefined && !process.alive) process = this.#idle.pop();
    process ??= new RenderProcess(this.#bounds.heapMb);
    this.#lent.add(process);
    return process;
  }

  #giveBack(process: RenderProcess): void {
    this.#lent.delete(process);
    // The next document takes it over: no process is started for each of many short ones.
    const hasRoom = this.#waiting.length > 0 || this.#idle.length + this.#lent.size < this.#most;
    const mayStay = !this.#closed && hasRoom && process.documents < DOCUMENTS_PER_PROCESS;
    if (!mayStay || !process.alive) process.kill();
    else this.#idle.push(process);
  }
}

/** Renders one document with a process of its own. See {@link RenderPool.open} for the errors. */
export async function* renderDocument(file: SourceFile): AsyncGenerator<RenderedPage, void> {
  const pool = new RenderPool({ processes: 1 });
  try {
    yield* await pool.open(file);
  } finally {
    pool.close();
  }
}
