/**
 * Blocks of lists that were read lately, kept with page records in what the resident state leaves of the memory budget.
 *
 * @module
 */
import type { CellBlock } from "../../format/inverted/contract.ts";
import type { MemoryBudget, RecordOwner } from "../memory-budget.ts";

/** The blocks of one index. As with page records, only finished reads are shared between requests. */
export class CellCache implements RecordOwner {
  /** Bytes of this index's blocks that are held now. */
  heldBytes = 0;
  readonly #budget: MemoryBudget;
  readonly #prefix = crypto.randomUUID();

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  get(fileId: string, cell: number): CellBlock | undefined {
    return this.#budget.get(this.#keyOf(fileId, cell))?.block;
  }

  /** Keeps a copy: `block` is often a view of a longer read, which it would keep alive. */
  set(fileId: string, { cell, bytes }: CellBlock): void {
    const block = { cell, bytes: bytes.slice() };
    this.#budget.set(this.#keyOf(fileId, cell), { block }, bytes.byteLength, this);
  }

  /** Drops everything of this index. */
  clear(): void {
    this.#budget.clear(this);
  }

  #keyOf(fileId: string, cell: number): string {
    return `${this.#prefix}/${fileId}/${cell}`;
  }
}
