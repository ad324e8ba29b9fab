/**
 * Time that passes by turns of the event loop: nobody waits, everybody may overtake everybody.
 *
 * @module
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../../../shared/ports.ts";

/** A clock whose sleepers wake after a few turns, whatever they asked for. */
export class TurnClock implements Clock {
  #nowMs = 1_700_000_000_000;

  nowMs(): number {
    return this.#nowMs;
  }

  advance(durationMs: number): void {
    this.#nowMs += durationMs;
  }

  async sleep(durationMs: number): Promise<void> {
    const turns = 1 + Math.min(20, Math.floor(durationMs / 20));
    for (let turn = 0; turn < turns; turn++) await nextTurn();
  }
}
