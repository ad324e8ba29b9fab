/**
 * Blocks of terms that were read lately, kept with page records in what the resident state leaves of the memory budget.
 *
 * @module
 */
import type { LexicalIndex } from "../../format/lexical/contract.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import type { MemoryBudget, RecordOwner } from "../memory-budget.ts";

/** The blocks of one index. As with page records, only finished reads are shared between requests. */
export class TermCache implements RecordOwner {
  /** Bytes of this index's blocks that are held now. */
  heldBytes = 0;
  readonly #budget: MemoryBudget;
  readonly #prefix = crypto.randomUUID();

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  /** `blocks` of `index` by their numbers, missing ones read through `store`. Errors: those of reading. */
  async read(
    index: LexicalIndex,
    blocks: readonly number[],
    { store, sideBySide }: { store: ObjectStore; sideBySide: number },
  ): Promise<{ blocks: ReadonlyMap<number, Uint8Array>; cacheHits: number }> {
    const found = new Map<number, Uint8Array>();
    for (const block of blocks) {
      const held = this.#budget.get(this.#keyOf(index.id, block))?.terms;
      if (held !== undefined) found.set(block, held);
    }
    const missing = [...new Set(blocks)].filter((block) => !found.has(block));
    const cacheHits = found.size;
    const read = missing.length === 0 ? [] : await index.withStore(store).readBlocks(missing, sideBySide);
    for (const [i, block] of missing.entries()) {
      // A copy: a view would keep all of a read that served many blocks.
      const bytes = read[i]?.slice() ?? new Uint8Array(0);
      this.#budget.set(this.#keyOf(index.id, block), { terms: bytes }, bytes.byteLength, this);
      found.set(block, bytes);
    }
    return { blocks: found, cacheHits };
  }

  /** Drops everything of this index. */
  clear(): void {
    this.#budget.clear(this);
  }

  #keyOf(id: string, block: number): string {
    return `${this.#prefix}/${id}/${block}`;
  }
}
