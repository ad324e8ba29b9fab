/**
 * The few DOM helpers that the page needs. Text from documents only ever enters as text nodes or attributes: nothing
 * here parses HTML.
 *
 * @module
 */
import type { Box } from "./types.ts";

type AttributeValue = string | number | boolean | undefined;

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";

/** The element that `selector` finds. Errors: throws if the page has none of that type, which is a mistake in index.html. */
export function need<T extends Element>(selector: string, type: new () => T, within: ParentNode = document): T {
  const found = within.querySelector(selector);
  if (found instanceof type) return found;
  throw new Error(`index.html has no ${type.name} at ${selector}`);
}

/** A new element. `false` and `undefined` leave an attribute out, `true` sets it empty; strings become text nodes. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, AttributeValue> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const created = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    created.setAttribute(name, value === true ? "" : String(value));
  }
  created.append(...children);
  return created;
}

/** A 24 × 24 line icon from the data of one path; decoration only, so hidden from assistive technology. */
export function icon(path: string): SVGSVGElement {
  const svg = document.createElementNS(SVG_NAMESPACE, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG_NAMESPACE, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/** Lays `target` over `box` of its positioned parent. Through the CSSOM, because the CSP refuses style attributes. */
export function placeBox(target: HTMLElement, [left, top, right, bottom]: Box): void {
  target.style.left = percent(left);
  target.style.top = percent(top);
  target.style.width = percent(right - left);
  target.style.height = percent(bottom - top);
}

function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(3)}%`;
}

/** Whether a key press belongs to a field the person is typing in. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement
  );
}

/** Whether a click asks the browser for a new tab, a new window or a download rather than for this page. */
export function asksForNewTab(event: MouseEvent): boolean {
  return event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
}
