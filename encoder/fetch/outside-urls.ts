/**
 * The lists of allowed hosts that a deployment has: of documents by URL and of webhooks.
 *
 * @module
 */
import { UrlAllowList } from "./allow-list.ts";

export interface OutsideUrls {
  /** Where documents may be fetched from: `MAXLEAF_URL_ALLOW`; nowhere by default. */
  documents: UrlAllowList;
  /** Where webhooks may be sent to: `MAXLEAF_WEBHOOK_ALLOW`; every public host over HTTPS by default. */
  webhooks: UrlAllowList;
}

/** The lists of the environment. Errors: `invalid_request` for what is no entry. */
export function outsideUrlsOf(env: Readonly<Record<string, string | undefined>>): OutsideUrls {
  return {
    documents: UrlAllowList.parse(env["MAXLEAF_URL_ALLOW"], "MAXLEAF_URL_ALLOW"),
    webhooks: UrlAllowList.parse(env["MAXLEAF_WEBHOOK_ALLOW"] ?? "*", "MAXLEAF_WEBHOOK_ALLOW"),
  };
}
