/**
 * What a garbage collection found.
 *
 * @module
 */
import { OBJECT_KINDS, type ObjectKind } from "./object-kinds.ts";

export interface ObjectTally {
  objects: number;
  bytes: number;
}

/** Unknown objects that a report names. */
const MAX_UNKNOWN_NAMED = 10;

export class GarbageReport {
  readonly index: string;
  readonly graceHours: number;
  /** Whether what was found was removed. */
  readonly removed: boolean;
  /** Undefined when there is no manifest. */
  manifestVersion: number | undefined;
  /** When the index was dropped; undefined of one that is there. */
  droppedAtMs: number | undefined;
  /** Manifests whose references counted. */
  keptManifests = 0;
  listedObjects = 0;
  /** Of kinds that there was garbage of. */
  readonly garbage: Partial<Record<ObjectKind, ObjectTally>> = {};
  /** Nothing refers to them, but they are younger than the grace period. */
  readonly young: ObjectTally = { objects: 0, bytes: 0 };
  /** What Maxleaf did not write, or a newer version did: never removed. */
  readonly unknown: ObjectTally & { examples: string[] } = { objects: 0, bytes: 0, examples: [] };
  /** Document versions (`id/revision`) of which an import began while they were removed: their files may be incomplete. */
  readonly raced: string[] = [];

  constructor(index: string, graceHours: number, removed: boolean) {
    this.index = index;
    this.graceHours = graceHours;
    this.removed = removed;
  }

  addGarbage(kind: ObjectKind, bytes: number, objects = 1): void {
    const tally = (this.garbage[kind] ??= { objects: 0, bytes: 0 });
    tally.objects += objects;
    tally.bytes += bytes;
  }

  addYoung(bytes: number, objects = 1): void {
    this.young.objects += objects;
    this.young.bytes += bytes;
  }

  addUnknown(key: string, bytes: number): void {
    this.unknown.objects += 1;
    this.unknown.bytes += bytes;
    if (this.unknown.examples.length < MAX_UNKNOWN_NAMED) this.unknown.examples.push(key);
  }

  /** Kinds with garbage, in the order of {@link OBJECT_KINDS}. */
  get kinds(): [ObjectKind, ObjectTally][] {
    return OBJECT_KINDS.flatMap((kind): [ObjectKind, ObjectTally][] => {
      const tally = this.garbage[kind];
      return tally === undefined ? [] : [[kind, tally]];
    });
  }

  get total(): ObjectTally {
    const tallies = this.kinds.map(([, tally]) => tally);
    return {
      objects: tallies.reduce((sum, { objects }) => sum + objects, 0),
      bytes: tallies.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  }
}
