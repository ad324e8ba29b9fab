/**
 * What tasks reach the outside with: documents by URL and webhooks, each with its list of allowed hosts.
 *
 * @module
 */
import type { FetchDocument, PostWebhook } from "../tasks/ports.ts";
import { UrlAllowList } from "./allow-list.ts";
import { fetchDocument } from "./fetch-document.ts";
import { guardedRequest } from "./guarded-request.ts";

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

/** The ports of the task runner over `urls`. */
export function outsidePorts({ documents, webhooks }: OutsideUrls): {
  fetchDocument: FetchDocument;
  postWebhook: PostWebhook;
} {
  return {
    fetchDocument: async (url, path, signal) => {
      await fetchDocument(url, path, { allow: documents, signal });
    },
    postWebhook: async (url, { headers, body, signal }) => {
      const request = { method: "POST", headers, body, signal } as const;
      const { status, message } = await guardedRequest(url, request, { allow: webhooks });
      message.destroy();
      return { status };
    },
  };
}
