/**
 * What stands where results would: nothing indexed, nothing found, nothing asked yet, or a failure.
 *
 * @module
 */
import { ApiError } from "./api.ts";
import { element } from "./dom.ts";
import { EXAMPLE_QUESTIONS, SAMPLES_INDEX } from "./examples.ts";
import { formatQuantity } from "./format.ts";
import type { Index, PartialAnswer, SearchResponse } from "./types.ts";

/** Before the first question: what can be searched, and for the samples some questions to begin with. */
export function startNotice(index: Index, onAsk: (question: string) => void): HTMLElement {
  const size = `${formatQuantity(index.pages, "page")} in ${formatQuantity(index.documents, "document")}`;
  const unread = index.pages - index.searchablePages;
  const note = unread === 0 ? "" : `; ${formatQuantity(unread, "page")} without text cannot be found`;
  const lines = [element("p", { class: "muted" }, `Searching ${size}${note}.`)];
  if (index.name !== SAMPLES_INDEX || EXAMPLE_QUESTIONS.length === 0) {
    return element("section", { class: "start" }, ...lines);
  }
  const questions = EXAMPLE_QUESTIONS.map((question) => {
    const button = element("button", { type: "button", class: "example" }, question);
    button.addEventListener("click", () => onAsk(question));
    return element("li", {}, button);
  });
  const heading = element("h2", { class: "label" }, "Try one of these");
  return element("section", { class: "start" }, ...lines, heading, element("ul", { class: "examples" }, ...questions));
}

/** The bucket holds no index. */
export function noIndexNotice(onRetry: () => void): HTMLElement {
  return notice(
    "No index yet",
    [
      element("p", {}, "Index a folder of PDFs and images, then come back:"),
      element("pre", {}, element("code", {}, "npx maxleaf ingest ./my-folder --index my-index")),
    ],
    { label: "Look again", action: onRetry },
  );
}

/** A part of the index did not answer: what is missing, and the first reason. */
export function partialNotice({ shardsFailed, shardsTotal, pagesNotSearched, reasons }: PartialAnswer): HTMLElement {
  const missing = `${formatQuantity(pagesNotSearched, "page")} in ${shardsFailed} of ${formatQuantity(shardsTotal, "part")} of the index`;
  const [first] = reasons;
  const why = first === undefined ? [] : [" ", element("code", {}, first.code)];
  const section = notice("Some pages were not searched", [
    element("p", {}, `The results leave out ${missing}. Searching again often finds them.`, ...why),
  ]);
  section.setAttribute("role", "status");
  return section;
}

export function noHitsNotice(response: SearchResponse): HTMLElement {
  const why =
    response.pagesMatched === 0 && response.partial === undefined
      ? `The index “${response.index}” has no searchable pages.`
      : "No page came near this question. Try other words, or another index.";
  return notice("Nothing found", [element("p", {}, why)]);
}

/** A failure in the server's own words, with its code, and a way to try again. */
export function errorNotice(error: unknown, onRetry: () => void): HTMLElement {
  const title =
    error instanceof ApiError && error.status < 500 && error.status >= 400
      ? "That did not work"
      : "Search is not available";
  const detail = asSentence(error instanceof Error ? error.message : String(error));
  const code = error instanceof ApiError ? error.code : "page_error";
  const section = notice(
    title,
    [element("p", {}, detail), element("p", { class: "muted" }, "Code ", element("code", {}, code))],
    { label: "Try again", action: onRetry },
  );
  section.setAttribute("role", "alert");
  section.classList.add("failure");
  return section;
}

/** The API's sentences begin small and have no full stop. */
function asSentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

function notice(title: string, content: Node[], button?: { label: string; action: () => void }): HTMLElement {
  const section = element("section", { class: "notice" }, element("h2", {}, title), ...content);
  if (button === undefined) return section;
  const control = element("button", { type: "button", class: "button" }, button.label);
  control.addEventListener("click", button.action);
  section.append(control);
  return section;
}
