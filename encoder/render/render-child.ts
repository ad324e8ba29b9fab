/**
 * A render process: opens one document at a time and renders its pages on request. Whatever a hostile file does to
 * pdfjs, Skia or libvips happens here, where the pool can end it.
 *
 * @module
 */
import { MaxleafError, toMaxleafError } from "../../shared/errors.ts";
import { startWatchdog } from "../processes/watchdog.ts";
import { RENDER_MEMORY_MB } from "./limits.ts";
import { isRequest, type RenderReply, type RenderRequest } from "./protocol.ts";
import { openSource, type SourceDocument } from "./source-document.ts";

let document: SourceDocument | undefined;

async function answer(request: RenderRequest): Promise<RenderReply> {
  if (request.type === "render") {
    if (document === undefined) throw new MaxleafError("internal", "a page was asked for before a document was opened");
    return { type: "page", page: await document.renderPage(request.pageNumber, request) };
  }
  await document?.close();
  document = undefined;
  if (request.type === "close") return { type: "closed" };
  const opened = await openSource(request.file);
  document = opened.document;
  if (opened.document === undefined) return { type: "office", contentType: opened.contentType };
  return { type: "opened", contentType: opened.contentType, pageCount: opened.document.pageCount };
}

function failure(error: unknown): RenderReply {
  // A foreign error is about the file as long as the file is all that this process handles.
  if (!(error instanceof MaxleafError) && error instanceof Error) {
    return { type: "failed", code: "file_unreadable", message: `the file cannot be rendered: ${error.message}` };
  }
  const { code, message } = toMaxleafError(error);
  return { type: "failed", code, message };
}

process.on("message", (request) => {
  if (!isRequest(request)) return;
  void answer(request)
    .catch(failure)
    .then((reply) => process.send?.(reply));
});
// pdfjs drops promises of work it no longer needs; a page that depends on one runs into its time limit.
process.on("unhandledRejection", () => undefined);
// Ctrl-C reaches the whole process group; the pool decides when this process ends.
process.on("SIGINT", () => undefined);
process.on("disconnect", () => process.exit());

startWatchdog(RENDER_MEMORY_MB);
