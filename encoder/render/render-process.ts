/**
 * The pool's end of one render process.
 *
 * @module
 */
import { type Outcome, RequestProcess } from "../processes/request-process.ts";
import { isReply, type RenderReply, type RenderRequest } from "./protocol.ts";

export type RenderOutcome = Outcome<RenderReply>;

/** One child process that opens one document at a time. */
export class RenderProcess extends RequestProcess<RenderRequest, RenderReply> {
  /** Documents opened so far. */
  documents = 0;

  constructor(heapMb: number) {
    super({ module: new URL("./render-child.ts", import.meta.url), who: "the renderer", heapMb, isReply });
  }

  override request(request: RenderRequest, timeoutMs: number): Promise<RenderOutcome> {
    if (this.alive && request.type === "open") this.documents++;
    return super.request(request, timeoutMs);
  }
}
