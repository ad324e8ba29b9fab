/**
 * What the pool and a render process say to each other: one request, one reply, in turn.
 *
 * @module
 */
import type { ErrorCode } from "../../shared/errors.ts";
import type { IngestibleType } from "./file-kind.ts";
import type { OfficeType } from "./office/office-type.ts";
import type { RenderedPage, SourceFile } from "./rendered-page.ts";
import type { DrawOptions } from "./source-document.ts";

export type RenderRequest =
  | { type: "open"; file: SourceFile }
  /** `draw: false` leaves the picture out: for a page whose drawing took a process down before. */
  | ({ type: "render"; pageNumber: number } & DrawOptions)
  | { type: "close" };

export type RenderReply =
  | { type: "opened"; contentType: IngestibleType; pageCount: number }
  /** The file must be converted to PDF, and that be opened. */
  | { type: "office"; contentType: OfficeType }
  | { type: "page"; page: RenderedPage }
  | { type: "closed" }
  /** The request failed; the process lives on. */
  | { type: "failed"; code: ErrorCode; message: string };

const REQUESTS = new Set(["open", "render", "close"]);
const REPLIES = new Set(["opened", "office", "page", "closed", "failed"]);

/** Whether a message is of this protocol. Both ends are this package, so its kind is all that is checked. */
export function isRequest(message: unknown): message is RenderRequest {
  return REQUESTS.has(kindOf(message));
}

export function isReply(message: unknown): message is RenderReply {
  return REPLIES.has(kindOf(message));
}

function kindOf(message: unknown): string {
  return typeof message === "object" && message !== null && "type" in message ? String(message.type) : "";
}
