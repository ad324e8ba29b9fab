/**
 * Where a page's codes lie while a kernel scores them.
 *
 * @module
 */
import type { PageCodes } from "../format/contract.ts";
import { allocateAfter, releaseAll, type Kernel } from "./kernel.ts";
import type { Region, RegionHolder } from "./memory.ts";

const U16_BYTES = 2;

/** Room for the codes of the largest of some pages, and for a kernel's output. */
export class CodesDesk implements RegionHolder {
  readonly ids: Region;
  readonly codes: Region;
  readonly output: Region;
  readonly #kernel: Kernel;

  /** Errors: `overloaded`. */
  constructor(kernel: Kernel, pages: readonly PageCodes[], subspaces: number, outputBytes: number) {
    const { memory } = kernel;
    const count = pages.reduce((most, page) => Math.max(most, page.centroidIds.length), 0);
    this.#kernel = kernel;
    this.ids = memory.allocate(count * U16_BYTES, "a page's centroid ids");
    this.codes = allocateAfter(memory, [this.ids], count * subspaces, "a page's codes");
    this.output = allocateAfter(memory, [this.ids, this.codes], outputBytes, "a page's scores");
  }

  place(page: PageCodes): void {
    this.placer()(page);
  }

  /** {@link place} for many pages, as long as nothing is allocated: a view of kernel memory costs as much as what it copies. */
  placer(): (page: PageCodes) => void {
    const ids = this.#kernel.memory.uint16(this.ids);
    const codes = this.#kernel.memory.uint8(this.codes);
    return (page) => {
      ids.set(page.centroidIds);
      codes.set(page.codes);
    };
  }

  release(): void {
    releaseAll(this.#kernel.memory, [this.ids, this.codes, this.output]);
  }
}
