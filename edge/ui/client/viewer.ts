/**
 * The dialog with one page: what is on it, why it matched, and the way to the neighbouring results.
 *
 * @module
 */
import { explain, isAbort, LatestRequest } from "./api.ts";
import { matchRange } from "./boxes.ts";
import { need } from "./dom.ts";
import { EvidencePanel } from "./evidence.ts";
import { OCR_LABEL, splitName } from "./format.ts";
import type { ScoreRange } from "./heatmap.ts";
import { Stage } from "./stage.ts";
import type { Explanation, Hit, SearchResponse } from "./types.ts";

export interface ViewerHandlers {
  /** Another hit is shown than before. */
  onMove: (hit: Hit) => void;
  /** The dialog closed, by whatever way, while it showed `hit`. */
  onClosed: (hit: Hit) => void;
}

interface Heat {
  explanation: Explanation;
  range: ScoreRange | undefined;
}

export class Viewer {
  readonly #dialog: HTMLDialogElement;
  readonly #handlers: ViewerHandlers;
  readonly #stage: Stage;
  readonly #evidence: EvidencePanel;
  readonly #request = new LatestRequest();
  #response: SearchResponse | undefined;
  #hit: Hit | undefined;
  #heat: Heat | undefined;

  constructor(dialog: HTMLDialogElement, handlers: ViewerHandlers) {
    this.#dialog = dialog;
    this.#handlers = handlers;
    this.#stage = new Stage(need(".stage", HTMLElement, dialog));
    this.#evidence = new EvidencePanel(need(".evidence", HTMLElement, dialog), () => {
      this.#draw();
      this.#stage.revealOutline();
    });
    this.#bindControls();
    dialog.addEventListener("close", () => this.#closed());
    dialog.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** Opens `hit`, or turns to it if the dialog is open. `response` gives the question and the neighbours. */
  show(response: SearchResponse, hit: Hit): void {
    if (response !== this.#response) this.#evidence.reset(response.tokens);
    this.#response = response;
    this.#hit = hit;
    this.#heat = undefined;
    this.#showHeading(response, hit);
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#stage.show(hit);
    this.#draw();
    void this.#loadHeat(response, hit);
  }

  /** The page in view, while the dialog is open. */
  get hit(): Hit | undefined {
    return this.#dialog.open ? this.#hit : undefined;
  }

  close(): void {
    this.#dialog.close();
  }

  #closed(): void {
    this.#request.cancel();
    if (this.#hit !== undefined) this.#handlers.onClosed(this.#hit);
  }

  #bindControls(): void {
    const onClick = (selector: string, action: () => void): void => {
      need(selector, HTMLButtonElement, this.#dialog).addEventListener("click", action);
    };
    onClick(".previous", () => this.#step(-1));
    onClick(".next", () => this.#step(1));
    onClick(".zoom-in", () => this.#stage.zoomIn());
    onClick(".zoom-out", () => this.#stage.zoomOut());
    onClick(".zoom-fit", () => this.#toggleFit());
    onClick(".close", () => this.close());
    const outlines = need(".show-outlines", HTMLInputElement, this.#dialog);
    outlines.addEventListener("change", () => this.#draw());
    const opacity = need(".heat-opacity", HTMLInputElement, this.#dialog);
    const applyOpacity = (): void => this.#stage.setHeatOpacity(opacity.valueAsNumber / 100);
    opacity.addEventListener("input", applyOpacity);
    applyOpacity();
  }

  #onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // The slider keeps its arrow keys.
    if (event.target instanceof HTMLInputElement && event.target.type === "range") return;
    const actions: Record<string, () => void> = {
      ArrowLeft: () => this.#step(-1),
      ArrowRight: () => this.#step(1),
      "+": () => this.#stage.zoomIn(),
      "=": () => this.#stage.zoomIn(),
      "-": () => this.#stage.zoomOut(),
      "0": () => this.#toggleFit(),
    };
    const action = actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  }

  #toggleFit(): void {
    const next = this.#stage.toggleFit();
    need(".zoom-fit", HTMLButtonElement, this.#dialog).textContent = next === "width" ? "Fit width" : "Fit page";
  }

  #position(): number {
    return this.#response?.hits.findIndex((hit) => hit === this.#hit) ?? -1;
  }

  #step(by: number): void {
    const response = this.#response;
    const position = this.#position();
    const next = position === -1 ? undefined : response?.hits[position + by];
    if (response === undefined || next === undefined) return;
    this.show(response, next);
    this.#handlers.onMove(next);
  }

  #showHeading(response: SearchResponse, hit: Hit): void {
    const { folder, file } = splitName(hit.document.name);
    const text = (selector: string, value: string): void => {
      need(selector, HTMLElement, this.#dialog).textContent = value;
    };
    text("#viewer-title", file);
    text(
      ".viewer-page",
      [
        `Page ${hit.page} of ${hit.document.pageCount}`,
        `score ${hit.score.toFixed(2)}`,
        ...(hit.textSource === "ocr" ? [OCR_LABEL] : []),
        ...(folder === "" ? [] : [folder]),
      ].join(" · "),
    );
    const position = this.#position();
    text(".viewer-position", position === -1 ? "–" : `${position + 1} / ${response.hits.length}`);
    this.#enable(".previous", position > 0);
    this.#enable(".next", position !== -1 && position < response.hits.length - 1);
    need(".open-image", HTMLAnchorElement, this.#dialog).href = hit.imageUrl;
    const download = need(".download", HTMLAnchorElement, this.#dialog);
    download.href = hit.imageUrl;
    download.download = `${file.replace(/\.[^.]*$/, "")}-page-${hit.page}.webp`;
  }

  /** By `aria-disabled`, because a disabled button would drop the focus that stands on it. */
  #enable(selector: string, enabled: boolean): void {
    need(selector, HTMLButtonElement, this.#dialog).setAttribute("aria-disabled", String(!enabled));
  }

  #draw(): void {
    const selected = this.#evidence.selected;
    if (this.#heat !== undefined) this.#stage.drawHeat(this.#heat.explanation, selected, this.#heat.range);
    const visible = need(".show-outlines", HTMLInputElement, this.#dialog).checked;
    const matches = this.#hit?.matches.filter((match) => selected.has(match.token)) ?? [];
    this.#stage.drawOutlines(visible ? matches : [], matchRange(this.#response?.hits ?? []));
  }

  async #loadHeat(response: SearchResponse, hit: Hit): Promise<void> {
    const signal = this.#request.next();
    this.#evidence.showLoading();
    try {
      const { index, query, performance } = response;
      const question = { query, document: hit.document.id, page: hit.page, mode: performance.mode };
      const explanation = await explain(index, question, signal);
      this.#heat = { explanation, range: this.#evidence.show(explanation, hit.matches) };
      this.#draw();
    } catch (error) {
      if (isAbort(error)) return;
      this.#evidence.showError(error, () => void this.#loadHeat(response, hit));
    }
  }
}
