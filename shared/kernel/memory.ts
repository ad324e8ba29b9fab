/**
 * The kernels' linear memory: who holds which bytes, and a limit on all of them together.
 *
 * WASM memory grows and never shrinks, and an isolate has 128 MB for everything. So released regions are reused first-fit,
 * and what would pass the budget is refused with `overloaded` instead of ending the isolate.
 *
 * @module
 */
import { MaxleafError } from "../errors.ts";
import { createMemory, type WasmMemory } from "./webassembly.ts";

/** WebAssembly's own unit of growth. */
const PAGE_BYTES = 64 * 1024;
/** AssemblyScript keeps its first 1 KiB to itself (address 0 is null); the kernels have no static data above it. */
const FIRST_OFFSET = 1024;
/** A cache line: keeps rows of 32 and 64 bytes from straddling two lines. */
const ALIGNMENT = 64;

/** Bytes lent out by {@link KernelMemory.allocate}. `offset` is the pointer kernels take. */
export interface Region {
  readonly offset: number;
  readonly bytes: number;
}

/** Holds regions and gives them back together. */
export interface RegionHolder {
  release(): void;
}

export class KernelMemory {
  readonly wasm: WasmMemory;
  readonly budgetBytes: number;
  #usedBytes = 0;
  #highWaterBytes = 0;
  /** Free regions below the top, ascending and never adjacent. */
  #free: Region[] = [];
  /** Everything from here to the end of the memory is free. */
  #top = FIRST_OFFSET;

  /** `budgetBytes` is rounded down to whole WebAssembly pages, at least one. */
  constructor(budgetBytes: number) {
    const maximumPages = Math.max(1, Math.floor(budgetBytes / PAGE_BYTES));
    this.budgetBytes = maximumPages * PAGE_BYTES;
    this.wasm = createMemory(1, maximumPages);
  }

  /** Bytes lent out now. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** The most bytes ever lent out at once. */
  get highWaterBytes(): number {
    return this.#highWaterBytes;
  }

  /** Bytes left under the budget, were they in one piece. */
  get availableBytes(): number {
    return this.budgetBytes - FIRST_OFFSET - this.#usedBytes;
  }

  /**
   * `bytes` of memory, 64-byte aligned, with whatever they last held. `purpose` is for the error sentence.
   *
   * Errors: `overloaded` when the budget has no room.
   */
  allocate(bytes: number, purpose: string): Region {
    const size = Math.max(ALIGNMENT, Math.ceil(bytes / ALIGNMENT) * ALIGNMENT);
    const region = this.#takeFree(size) ?? this.#takeTop(size, purpose);
    this.#usedBytes += size;
    this.#highWaterBytes = Math.max(this.#highWaterBytes, this.#usedBytes);
    return region;
  }

  /** Takes `region` back. A region that is not lent out is a bug in the caller: `internal`. */
  release(region: Region): void {
    const end = region.offset + region.bytes;
    const index = this.#free.findIndex((free) => free.offset >= region.offset);
    const position = index === -1 ? this.#free.length : index;
    const previous = this.#free[position - 1];
    const next = this.#free[position];
    const overlaps =
      (previous !== undefined && previous.offset + previous.bytes > region.offset) ||
      (next !== undefined && next.offset < end) ||
      end > this.#top;
    if (overlaps) throw new MaxleafError("internal", `kernel memory at ${region.offset} was released twice`);
    const joinsPrevious = previous !== undefined && previous.offset + previous.bytes === region.offset;
    const joinsNext = next !== undefined && next.offset === end;
    const offset = joinsPrevious ? previous.offset : region.offset;
    const joinedEnd = joinsNext ? next.offset + next.bytes : end;
    const first = joinsPrevious ? position - 1 : position;
    const replaced = (joinsPrevious ? 1 : 0) + (joinsNext ? 1 : 0);
    this.#usedBytes -= region.bytes;
    if (joinedEnd === this.#top) {
      this.#top = offset;
      this.#free.splice(first, replaced);
      return;
    }
    this.#free.splice(first, replaced, { offset, bytes: joinedEnd - offset });
  }

  // Views are made on demand: growing the memory detaches all earlier ones.

  int8(region: Region, length: number = region.bytes): Int8Array {
    return new Int8Array(this.wasm.buffer, region.offset, length);
  }

  uint8(region: Region, length: number = region.bytes): Uint8Array {
    return new Uint8Array(this.wasm.buffer, region.offset, length);
  }

  int16(region: Region, length: number = region.bytes / 2): Int16Array {
    return new Int16Array(this.wasm.buffer, region.offset, length);
  }

  uint16(region: Region, length: number = region.bytes / 2): Uint16Array {
    return new Uint16Array(this.wasm.buffer, region.offset, length);
  }

  int32(region: Region, length: number = region.bytes / 4): Int32Array {
    return new Int32Array(this.wasm.buffer, region.offset, length);
  }

  uint32(region: Region, length: number = region.bytes / 4): Uint32Array {
    return new Uint32Array(this.wasm.buffer, region.offset, length);
  }

  float32(region: Region, length: number = region.bytes / 4): Float32Array {
    return new Float32Array(this.wasm.buffer, region.offset, length);
  }

  #takeFree(size: number): Region | undefined {
    const index = this.#free.findIndex((free) => free.bytes >= size);
    const free = this.#free[index];
    if (free === undefined) return undefined;
    const rest = free.bytes - size;
    if (rest === 0) this.#free.splice(index, 1);
    else this.#free[index] = { offset: free.offset + size, bytes: rest };
    return { offset: free.offset, bytes: size };
  }

  #takeTop(size: number, purpose: string): Region {
    const end = this.#top + size;
    const missingBytes = end - this.wasm.buffer.byteLength;
    if (end > this.budgetBytes || !this.#grow(missingBytes)) {
      throw new MaxleafError(
        "overloaded",
        `${purpose} needs ${size} bytes of kernel memory, and ${Math.max(0, this.budgetBytes - this.#top)} are left; try again later`,
        { details: { neededBytes: size, usedBytes: this.#usedBytes, budgetBytes: this.budgetBytes } },
      );
    }
    const region = { offset: this.#top, bytes: size };
    this.#top = end;
    return region;
  }

  #grow(missingBytes: number): boolean {
    if (missingBytes <= 0) return true;
    try {
      this.wasm.grow(Math.ceil(missingBytes / PAGE_BYTES));
      return true;
    } catch {
      // The engine refuses with a RangeError when the host has no memory left.
      return false;
    }
  }
}
