/**
 * One page, large: its image, the heat map over it, outlines of the best matches, and zoom.
 *
 * @module
 */
import { outlineBoxes } from "./boxes.ts";
import { need } from "./dom.ts";
import { combineTokens, cssColour, heatColour, intensity } from "./heatmap.ts";
import type { ScoreRange } from "./heatmap.ts";
import type { Explanation, Hit, Match } from "./types.ts";

/** Long edge of the heat map's own pixels: as fine as the page images, and it stretches with zoom. */
const HEAT_CANVAS_PX = 1_600;
/** Space around the page inside the stage; style.css pads by the same. */
const STAGE_PADDING_PX = 24;
const ZOOM_STEP = 1.25;
const MIN_SHEET_PX = 160;
/** Beyond this the page image (1,600 px) only blurs. */
const MAX_SHEET_PX = 4_000;

type Zoom = "page" | "width" | { widthPx: number };

export class Stage {
  readonly #root: HTMLElement;
  readonly #sheet: HTMLElement;
  readonly #image: HTMLImageElement;
  readonly #canvas: HTMLCanvasElement;
  readonly #outlines: HTMLElement;
  #zoom: Zoom = "page";
  #hit: Hit | undefined;

  constructor(root: HTMLElement) {
    this.#root = root;
    this.#sheet = need(".sheet", HTMLElement, root);
    this.#image = need("img", HTMLImageElement, root);
    this.#canvas = need("canvas", HTMLCanvasElement, root);
    this.#outlines = need(".outlines", HTMLElement, root);
    this.#image.addEventListener("load", () => this.#sheet.classList.remove("is-loading"));
    this.#image.addEventListener("error", () => this.#sheet.classList.replace("is-loading", "without-image"));
    new ResizeObserver(() => this.#layOut()).observe(root);
  }

  show(hit: Hit): void {
    this.#hit = hit;
    this.#sheet.classList.remove("without-image");
    this.#sheet.classList.add("is-loading");
    this.#image.src = hit.imageUrl;
    this.#image.alt = `Page ${hit.page} of ${hit.document.name}`;
    this.clearHeat();
    this.#outlines.replaceChildren();
    this.#layOut();
    this.#root.scrollTo(0, 0);
  }

  clearHeat(): void {
    const scale = HEAT_CANVAS_PX / Math.max(this.#hit?.width ?? 1, this.#hit?.height ?? 1);
    this.#canvas.width = Math.max(1, Math.round((this.#hit?.width ?? 1) * scale));
    this.#canvas.height = Math.max(1, Math.round((this.#hit?.height ?? 1) * scale));
  }

  /** Paints, for every box, the best score of the `selected` tokens; patch cells and word boxes alike. */
  drawHeat(explanation: Explanation, selected: ReadonlySet<number>, range: ScoreRange | undefined): void {
    this.clearHeat();
    const context = this.#canvas.getContext("2d");
    if (context === null || range === undefined) return;
    const { width, height } = this.#canvas;
    const scores = combineTokens(explanation.scores, selected, explanation.boxes.length);
    for (const [position, [left, top, right, bottom]] of explanation.boxes.entries()) {
      const score = scores[position];
      if (score === null || score === undefined) continue;
      context.fillStyle = cssColour(heatColour(intensity(score, range)));
      context.fillRect(left * width, top * height, (right - left) * width, (bottom - top) * height);
    }
  }

  /** Outlines the places where tokens matched best. `range`: the scores that span faint to full. */
  drawOutlines(matches: readonly Match[], range: ScoreRange | undefined): void {
    this.#outlines.replaceChildren(...outlineBoxes(matches, range));
  }

  /** Brings the first outline into view when the page is larger than the stage. */
  revealOutline(): void {
    const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth";
    this.#outlines.firstElementChild?.scrollIntoView({ block: "center", inline: "center", behavior });
  }

  /** @param opacity 0 hides the heat map, 1 shows it in full. */
  setHeatOpacity(opacity: number): void {
    this.#canvas.style.opacity = String(opacity);
  }

  zoomIn(): void {
    this.#zoomTo(this.#sheet.clientWidth * ZOOM_STEP);
  }

  zoomOut(): void {
    this.#zoomTo(this.#sheet.clientWidth / ZOOM_STEP);
  }

  /** Switches between the whole page and its full width. Returns what the next call would give. */
  toggleFit(): "page" | "width" {
    this.#zoom = this.#zoom === "page" ? "width" : "page";
    this.#layOut();
    return this.#zoom === "page" ? "width" : "page";
  }

  #zoomTo(widthPx: number): void {
    this.#zoom = { widthPx: Math.min(MAX_SHEET_PX, Math.max(MIN_SHEET_PX, widthPx)) };
    this.#layOut();
  }

  #layOut(): void {
    const hit = this.#hit;
    if (hit === undefined || this.#root.clientWidth === 0) return;
    this.#sheet.style.width = `${Math.round(this.#sheetWidthPx(hit.width / hit.height))}px`;
    this.#sheet.style.aspectRatio = `${hit.width} / ${hit.height}`;
  }

  #sheetWidthPx(widthToHeight: number): number {
    if (typeof this.#zoom === "object") return this.#zoom.widthPx;
    const fullWidth = this.#root.clientWidth - 2 * STAGE_PADDING_PX;
    if (this.#zoom === "width") return Math.max(MIN_SHEET_PX, fullWidth);
    const wholePage = (this.#root.clientHeight - 2 * STAGE_PADDING_PX) * widthToHeight;
    return Math.max(MIN_SHEET_PX, Math.min(fullWidth, wholePage));
  }
}
