/**
 * Which addresses a server may be made to connect to on somebody's word.
 *
 * @module
 */
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** Metadata services that sit at addresses of the public space: Azure's WireServer. The others are link-local or reserved. */
const METADATA_ADDRESSES: ReadonlySet<string> = new Set(["168.63.129.16"]);

/** The only IPv6 addresses that are given out (RFC 4291, IANA): what embeds an IPv4 address otherwise lies outside. */
const GLOBAL_UNICAST: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse("2000::"), 3];

/**
 * Whether `address`, as a resolver or a URL writes it, is one of the public Internet: not private, loopback, link-local,
 * CGNAT, multicast, reserved, of documentation, or an IPv4 address inside an IPv6 one. What is no address is not public.
 */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0 || METADATA_ADDRESSES.has(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== "unicast") return false;
  return parsed instanceof ipaddr.IPv4 || parsed.match(GLOBAL_UNICAST);
}
