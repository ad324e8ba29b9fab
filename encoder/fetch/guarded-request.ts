/**
 * Requests to addresses that callers chose (documents by URL, webhooks), which must not reach this machine's own network.
 *
 * Every hop is checked by itself: the URL against the allow-list, then its name is resolved once, all its addresses must be
 * public, and the connection goes to those very addresses, so that a name that resolves to something else a moment later
 * (DNS rebinding) changes nothing. Redirects are followed here and not by the HTTP client.
 *
 * @module
 */
import { lookup as lookUp } from "node:dns/promises";
import { type ClientRequest, type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { hostOf, type UrlAllowList, withoutSecrets } from "./allow-list.ts";
import { isPublicAddress } from "./public-address.ts";

/** Hops after the first. Browsers follow 20; a file behind more than a few is misconfigured. Ours. */
export const MAX_REDIRECTS = 5;
/** Silence on the line, connecting included. */
const IDLE_TIMEOUT_MS = 30_000;
/** Headers of an answer: Node's own default of 16 KiB, said here since it bounds memory. */
const MAX_HEADER_BYTES = 16 * 1024;

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** An address of a host, as `dns.lookup` gives it. */
export interface HostAddress {
  address: string;
  family: number;
}

export interface RequestGuard {
  allow: UrlAllowList;
  /** All addresses of a host; the system's resolver by default. */
  resolve?: ((host: string) => Promise<readonly HostAddress[]>) | undefined;
  /** Whether a connection may go there; public addresses by default. Another is for tests only. */
  isAllowedAddress?: ((address: string) => boolean) | undefined;
}

export interface GuardedRequest {
  method: "GET" | "POST";
  headers?: Readonly<Record<string, string>> | undefined;
  body?: string | undefined;
  signal: AbortSignal;
}

/** The answer of the last hop, its body not read yet: read it or destroy it. */
export interface GuardedResponse {
  url: URL;
  status: number;
  message: IncomingMessage;
}

/**
 * Asks `url`. A GET follows redirects; the answer to a POST is given as it is.
 *
 * Errors: `invalid_request` for what is no URL; `url_not_allowed`, of every hop; `fetch_failed` when the host cannot be
 * resolved or reached, is silent for 30 s, or redirects too often; the signal's reason when it was aborted.
 */
export async function guardedRequest(
  url: string,
  request: GuardedRequest,
  guard: RequestGuard,
): Promise<GuardedResponse> {
  let hop = guard.allow.check(url);
  for (let redirects = 0; ; redirects++) {
    const addresses = await unlessAborted(addressesOf(hop, guard), request.signal);
    const message = await send(hop, addresses, request);
    const status = message.statusCode ?? 0;
    const { location } = message.headers;
    if (request.method !== "GET" || !REDIRECTS.has(status) || location === undefined)
      return { url: hop, status, message };
    message.destroy();
    const from = quote(withoutSecrets(hop));
    if (redirects === MAX_REDIRECTS) throw new MaxleafError("fetch_failed", `${from} redirects too often`);
    if (!URL.canParse(location, hop.href))
      throw new MaxleafError("fetch_failed", `${from} redirects to what is no URL`);
    hop = guard.allow.check(new URL(location, hop).href);
  }
}

/** Where a connection for `url` may go: every address that its host has. Errors: `url_not_allowed`, `fetch_failed`. */
async function addressesOf(url: URL, guard: RequestGuard): Promise<readonly HostAddress[]> {
  const { resolve = resolveBySystem, isAllowedAddress = isPublicAddress } = guard;
  const host = hostOf(url);
  const addresses = isIP(host) === 0 ? await resolve(host) : [{ address: host, family: isIP(host) }];
  if (addresses.length === 0) throw new MaxleafError("fetch_failed", `${quote(host)} has no address`);
  // One is enough to refuse: which of them would be taken is not for the host's owner to say. Which it is stays unsaid.
  if (addresses.every(({ address }) => isAllowedAddress(address))) return addresses;
  throw new MaxleafError(
    "url_not_allowed",
    `${quote(withoutSecrets(url))} is not asked: its host is no public address`,
  );
}

async function resolveBySystem(host: string): Promise<readonly HostAddress[]> {
  try {
    return await lookUp(host, { all: true });
  } catch (cause) {
    throw new MaxleafError("fetch_failed", `${quote(host)} cannot be resolved: ${reasonOf(cause)}`, { cause });
  }
}

/** What `work` gives, or the signal's reason: the system's resolver cannot be told to stop, and may take minutes. */
async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

async function send(
  url: URL,
  addresses: readonly HostAddress[],
  { method, headers, body, signal }: GuardedRequest,
): Promise<IncomingMessage> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = {
    method,
    headers: { "accept-encoding": "identity", "user-agent": "maxleaf", ...headers },
    // No pool: a kept connection belongs to a name that was resolved at another time.
    agent: false,
    lookup: pinnedTo(addresses),
    maxHeaderSize: MAX_HEADER_BYTES,
    signal,
  } as const;
  const request: ClientRequest = url.protocol === "https:" ? requestHttps(url, options) : requestHttp(url, options);
  request.setTimeout(IDLE_TIMEOUT_MS, () => request.destroy(new Error(`silent for ${IDLE_TIMEOUT_MS / 1_000} s`)));
  request.once("response", resolve);
  // Also one that comes after the answer has begun, which must not go unheard: it would end the process.
  request.on("error", reject);
  request.end(body);
  try {
    return await promise;
  } catch (cause) {
    signal.throwIfAborted();
    const message = `${quote(withoutSecrets(url))} cannot be reached: ${reasonOf(cause)}`;
    throw new MaxleafError("fetch_failed", message, { cause });
  }
}

/** Answers every question for a name with `addresses`. */
function pinnedTo(addresses: readonly HostAddress[]): LookupFunction {
  return (_host, { all }, callback) => {
    const [first] = addresses;
    if (all === true) callback(null, [...addresses]);
    else callback(null, first?.address ?? "", first?.family);
  };
}

/** `ECONNREFUSED` and its like, which name no address; else what the error says. */
export function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return "code" in cause && typeof cause.code === "string" ? cause.code : cause.message;
}
