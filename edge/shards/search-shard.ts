/**
 * The Durable Object that is one shard of one index: it keeps its segments in memory and searches them.
 *
 * @module
 */
import { DurableObject } from "cloudflare:workers";
import { openIndex } from "../../shared/engine/open-index.ts";
import type { Env } from "../env.ts";
import { describeCauses, logError } from "../http/log.ts";
import { IndexPool } from "../index-pool.ts";
import { isolate } from "../isolate.ts";
import { kernelModule } from "../kernel-module.ts";
import { openBucket } from "../storage/bucket.ts";
import { type ShardCaller, type ShardReply, type ShardRequest, toFailure } from "./protocol.ts";
import { type OpenAt, ShardPart } from "./shard-part.ts";

/**
 * The parts of all shards in this isolate. Cloudflare may run several objects of a class in one isolate, within its one
 * limit of memory: then what was not used for longest is closed rather than the isolate ended.
 */
let parts: IndexPool<ShardPart> | undefined;

export class SearchShard extends DurableObject<Env> {
  /** Does a step of a search of the part that `request` names; failures are part of the reply. */
  async ask(request: ShardRequest): Promise<ShardReply> {
    parts ??= createParts(this.env);
    try {
      const answer = await parts.withIndex(this.ctx.id.toString(), this.ctx, (part) => part.ask(request));
      return { answer };
    } catch (error) {
      const failure = toFailure(error);
      if (failure.code === "internal") {
        logError("a shard failed", { index: request.index, causes: describeCauses(error) });
      }
      return { failure };
    }
  }
}

function createParts(env: Env): IndexPool<ShardPart> {
  const store = openBucket(env.BUCKET);
  const { memory, pools, hedging } = isolate;
  return new IndexPool({
    open: async (_, makeRoom) => {
      const openAt: OpenAt = (index, readManifest) =>
        openIndex({ store, index, kernelModule, readManifest, memory, hedging, makeRoom });
      return new ShardPart(store, openAt);
    },
    memory: pools,
  });
}

/** A shard as it is called. */
interface ShardStub {
  ask(request: ShardRequest): Promise<ShardReply>;
}

/** Calls the shards behind `namespace`: one object per index and number. */
export function durableShards(namespace: DurableObjectNamespace<SearchShard>): ShardCaller {
  return {
    async ask(shard, request) {
      const name = `${request.index}/${shard}`;
      try {
        return await stubOf(namespace, name).ask(request);
      } catch (error) {
        // An object that was moved, or replaced by a new release, ends its calls with an error that says so.
        if (!(error instanceof Error && "retryable" in error && error.retryable === true)) throw error;
        return await stubOf(namespace, name).ask(request);
      }
    },
  };
}

function stubOf(namespace: DurableObjectNamespace<SearchShard>, name: string): ShardStub {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a remote call's types forget that a box has four numbers
  return namespace.getByName(name) as unknown as ShardStub;
}
