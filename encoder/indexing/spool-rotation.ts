/**
 * Spools for documents that wait to be committed: a new one begins with every commit, and an old one goes, with the disk
 * space it takes, when the last of its documents is committed or given up.
 *
 * @module
 */
import type { QuantizedPage } from "./page-vectors.ts";
import { RecordFile } from "./record-file.ts";

/** Encoded pages waiting for their codebook: 86 KB each with 654 vectors of 128 values, more than memory has room for. */
export type PageSpool = RecordFile<QuantizedPage>;

/** One document's hold on a spool. */
export interface SpoolHold {
  readonly spool: PageSpool;
  /** Call once. */
  release(): Promise<void>;
}

export class SpoolRotation {
  readonly #folder: string | undefined;
  readonly #holds = new Map<PageSpool, number>();
  #current: Promise<PageSpool> | undefined;

  /** @param folder where the files are made; default: the system's folder for temporary files. */
  constructor(folder: string | undefined) {
    this.#folder = folder;
  }

  /** A hold on the spool that new pages go to. */
  async hold(): Promise<SpoolHold> {
    this.#current ??= RecordFile.createTemporary<QuantizedPage>(this.#folder);
    const current = this.#current;
    const spool = await current;
    this.#holds.set(spool, (this.#holds.get(spool) ?? 0) + 1);
    return {
      spool,
      release: async () => {
        const left = (this.#holds.get(spool) ?? 1) - 1;
        this.#holds.set(spool, left);
        if (left === 0 && this.#current !== current) await this.#end(spool);
      },
    };
  }

  /** Pages of documents that begin from now on go to a new spool. */
  async rotate(): Promise<void> {
    const spool = await this.#current;
    this.#current = undefined;
    if (spool !== undefined && (this.#holds.get(spool) ?? 0) === 0) await this.#end(spool);
  }

  /** Closes all spools, whoever holds them. */
  async close(): Promise<void> {
    const last = await this.#current;
    this.#current = undefined;
    const open = new Set([...this.#holds.keys(), ...(last === undefined ? [] : [last])]);
    await Promise.all([...open].map(async (spool) => await this.#end(spool)));
  }

  async #end(spool: PageSpool): Promise<void> {
    this.#holds.delete(spool);
    await spool.close();
  }
}
