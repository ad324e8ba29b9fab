/**
 * Reading a request body no further than a limit.
 *
 * Hono's `bodyLimit` does that too, but for a chunked body it needs `@hono/node-server` to replace the global `Request`,
 * which a process that also runs an S3 client and a command line should not have.
 *
 * @module
 */
import { MaxleafError } from "../../shared/errors.ts";

/** The body as text. Errors: `body_too_large` beyond `maxBytes`, announced or not; `invalid_request` for broken UTF-8. */
export async function readText(request: Request, maxBytes: number): Promise<string> {
  const tooLarge = () => new MaxleafError("body_too_large", `the body is longer than ${maxBytes} bytes`);
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge();
  if (request.body === null) return "";

  const chunks: Uint8Array[] = [];
  let bytesRead = 0;
  for await (const chunk of request.body) {
    bytesRead += chunk.byteLength;
    if (bytesRead > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
  } catch (cause) {
    throw new MaxleafError("invalid_request", "the body is not UTF-8", { cause });
  }
}
