/**
 * What a reader and its process say to each other: one request, one reply, in turn.
 *
 * @module
 */
import type { ErrorCode } from "../../shared/errors.ts";
import type { Box } from "../render/words/geometry.ts";
import type { OcrLanguage } from "./languages.ts";

export type OcrRequest = { type: "start"; languages: readonly OcrLanguage[] } | { type: "read"; picture: Uint8Array };

/** A word as recognised: `box` in fractions of the page, `confidence` 0…1. */
export interface RecognisedWord {
  text: string;
  box: Box;
  confidence: number;
}

export type OcrReply =
  | { type: "started" }
  /** Lines in reading order, their words from left to right. */
  | { type: "lines"; lines: RecognisedWord[][] }
  /** The request failed; the process lives on. */
  | { type: "failed"; code: ErrorCode; message: string };

const REQUESTS = new Set(["start", "read"]);
const REPLIES = new Set(["started", "lines", "failed"]);

/** Whether a message is of this protocol. Both ends are this package, so its kind is all that is checked. */
export function isOcrRequest(message: unknown): message is OcrRequest {
  return REQUESTS.has(kindOf(message));
}

export function isOcrReply(message: unknown): message is OcrReply {
  return REPLIES.has(kindOf(message));
}

function kindOf(message: unknown): string {
  return typeof message === "object" && message !== null && "type" in message ? String(message.type) : "";
}
