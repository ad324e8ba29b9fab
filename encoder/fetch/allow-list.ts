/**
 * Which hosts may be asked on a caller's word: `MAXLEAF_URL_ALLOW=files.example.com,*.example.org`.
 *
 * @module
 */
import { isIP } from "node:net";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { MAX_URL_CHARS } from "../../shared/limits.ts";
import { isPublicAddress } from "./public-address.ts";

interface Entry {
  protocol: "https:" | "http:";
  /** Without the dot at the end that a host may have. */
  host: string;
  /** Hosts below `host` instead of itself. */
  below: boolean;
  /** As `URL` has it: empty for the protocol's own. */
  port: string;
}

/** `http://`, `*.` and the rest. */
const ENTRY = /^(https?:\/\/)?(\*\.)?([^/\s@?#*]+)$/i;

/**
 * Hosts by exact name or `*.name` (below it, not itself). HTTPS and its port only, unless an entry says otherwise:
 * `http://host`, `host:8443`. The entry `*` is every host.
 */
export class UrlAllowList {
  readonly #entries: readonly Entry[];
  readonly #anyHost: boolean;
  readonly #called: string;

  private constructor(entries: readonly Entry[], anyHost: boolean, called: string) {
    this.#entries = entries;
    this.#anyHost = anyHost;
    this.#called = called;
  }

  /**
   * @param text Entries separated by commas; none allows nothing.
   * @param called What sets it, for messages.
   * @throws MaxleafError `invalid_request` for what is no entry.
   */
  static parse(text: string | undefined, called = "MAXLEAF_URL_ALLOW"): UrlAllowList {
    const entries = (text ?? "")
      .split(",")
      .map((entry) => entry.trim())
      .filter((entry) => entry !== "");
    const hosts = entries.filter((entry) => entry !== "*");
    return new UrlAllowList(
      hosts.map((host) => parseEntry(host, called)),
      hosts.length < entries.length,
      called,
    );
  }

  /** Whether it allows anything at all. */
  get isEmpty(): boolean {
    return this.#entries.length === 0 && !this.#anyHost;
  }

  /**
   * `text` as an address that may be asked; that its host has public addresses only is looked at when it is.
   *
   * Errors: `invalid_request` when it is no URL, `url_not_allowed`.
   */
  check(text: string): URL {
    if (text.length > MAX_URL_CHARS || !URL.canParse(text)) {
      throw new MaxleafError("invalid_request", `${quote(text)} is no URL of at most ${MAX_URL_CHARS} characters`);
    }
    const url = new URL(text);
    const refuse = (why: string) => {
      throw new MaxleafError("url_not_allowed", `${quote(withoutSecrets(url))} is not asked: ${why}`);
    };
    if (this.isEmpty) refuse(`${this.#called} is empty, which allows no host`);
    if (url.protocol !== "https:" && url.protocol !== "http:") refuse("it is neither HTTPS nor HTTP");
    if (url.username !== "" || url.password !== "") refuse("it has a user name or a password");
    const host = hostOf(url);
    if (isIP(host) !== 0 && !isPublicAddress(host)) refuse("its host is no public address");
    if (!this.#has(url, host)) refuse(`its scheme, host and port are not in ${this.#called}`);
    return url;
  }

  #has({ protocol, port }: URL, host: string): boolean {
    if (this.#anyHost && protocol === "https:" && port === "") return true;
    return this.#entries.some((entry) => {
      if (entry.protocol !== protocol || entry.port !== port) return false;
      return entry.below ? host.endsWith(`.${entry.host}`) : host === entry.host;
    });
  }
}

/** The host of `url` as a resolver wants it: without the brackets of IPv6 and the dot at the end. */
export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
}

/** For messages: neither password nor query, which may hold a signature. */
export function withoutSecrets({ protocol, host, pathname }: URL): string {
  return `${protocol}//${host}${pathname}`;
}

function parseEntry(text: string, called: string): Entry {
  const [, scheme = "https://", wildcard, host = ""] = ENTRY.exec(text) ?? [];
  const address = `${scheme.toLowerCase()}${host}`;
  if (host === "" || !URL.canParse(address)) {
    throw new MaxleafError(
      "invalid_request",
      `${quote(text)} in ${called} is no host: write name, *.name, name:port or http://name`,
    );
  }
  // Through URL, as what it is compared with: letters in lower case, names of other scripts in Punycode.
  const url = new URL(address);
  const protocol = url.protocol === "http:" ? "http:" : "https:";
  return { protocol, host: hostOf(url), below: wildcard !== undefined, port: url.port };
}
