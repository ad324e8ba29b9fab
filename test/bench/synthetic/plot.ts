/**
 * Curves over the number of pages, on logarithmic scales, as an SVG that reads on light and dark pages.
 *
 * @module
 */

export interface Panel {
  title: string;
  /** Lines that no curve should cross. */
  limits?: readonly { value: number; label: string }[];
  series: readonly Series[];
}

export interface Series {
  name: string;
  points: readonly { pages: number; value: number }[];
}

const PANEL = { width: 420, height: 280, left: 64, right: 16, top: 40, bottom: 40 };
const COLUMNS = 2;
const COLOURS = ["#2563eb", "#ea580c", "#16a34a", "#9333ea"];

/** All panels in two columns; the pages axis is the same for all. */
export function plotSvg(panels: readonly Panel[]): string {
  const pages = panels.flatMap(({ series }) => series.flatMap(({ points }) => points.map((point) => point.pages)));
  const xRange = decades(pages);
  const rows = Math.ceil(panels.length / COLUMNS);
  const [width, height] = [COLUMNS * PANEL.width, rows * PANEL.height];
  const drawn = panels.map((panel, i) => {
    const [x, y] = [(i % COLUMNS) * PANEL.width, Math.floor(i / COLUMNS) * PANEL.height];
    return `<g transform="translate(${x} ${y})">${drawPanel(panel, xRange)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...drawn,
    "</svg>",
    "",
  ].join("\n");
}

interface Range {
  min: number;
  max: number;
}

/** Whole powers of ten around `values`. */
function decades(values: readonly number[]): Range {
  const logs = values.filter((value) => value > 0).map((value) => Math.log10(value));
  const min = Math.floor(Math.min(...logs) + 1e-9);
  return { min, max: Math.max(min + 1, Math.ceil(Math.max(...logs) - 1e-9)) };
}

function drawPanel({ title, series, limits = [] }: Panel, xRange: Range): string {
  const values = [...series.flatMap(({ points }) => points.map(({ value }) => value)), ...limits.map((l) => l.value)];
  const yRange = decades(values);
  const right = PANEL.width - PANEL.right;
  const bottom = PANEL.height - PANEL.bottom;
  const x = (pages: number) => scaled(pages, xRange, PANEL.left, right);
  const y = (value: number) => scaled(value, yRange, bottom, PANEL.top);
  const parts = [`<text x="${PANEL.left}" y="16" font-weight="bold">${title}</text>`];
  for (let power = xRange.min; power <= xRange.max; power++) {
    const at = x(10 ** power);
    parts.push(line(at, PANEL.top, at, bottom, "#e5e7eb"));
    parts.push(`<text x="${at}" y="${bottom + 16}" text-anchor="middle">${tick(10 ** power)}</text>`);
  }
  parts.push(`<text x="${right}" y="${bottom + 32}" text-anchor="end">pages</text>`);
  for (let power = yRange.min; power <= yRange.max; power++) {
    const at = y(10 ** power);
    parts.push(line(PANEL.left, at, right, at, "#e5e7eb"));
    parts.push(`<text x="${PANEL.left - 6}" y="${at + 4}" text-anchor="end">${tick(10 ** power)}</text>`);
  }
  for (const { value, label } of limits) {
    parts.push(line(PANEL.left, y(value), right, y(value), "#dc2626", "4 4"));
    parts.push(`<text x="${right}" y="${y(value) - 4}" text-anchor="end" fill="#dc2626">${label}</text>`);
  }
  series.forEach(({ name, points }, i) => {
    const colour = COLOURS[i % COLOURS.length] ?? "#000000";
    const path = points.map((point) => `${x(point.pages).toFixed(1)},${y(point.value).toFixed(1)}`).join(" ");
    parts.push(`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`);
    for (const point of points) {
      parts.push(
        `<circle cx="${x(point.pages).toFixed(1)}" cy="${y(point.value).toFixed(1)}" r="3" fill="${colour}"/>`,
      );
    }
    parts.push(`<text x="${PANEL.left + 120 * i}" y="32" fill="${colour}">${name}</text>`);
  });
  return parts.join("");
}

function scaled(value: number, { min, max }: Range, from: number, to: number): number {
  return from + ((Math.log10(value) - min) / (max - min)) * (to - from);
}

function line(x1: number, y1: number, x2: number, y2: number, colour: string, dashes?: string): string {
  const dashed = dashes === undefined ? "" : ` stroke-dasharray="${dashes}"`;
  return `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="${colour}"${dashed}/>`;
}

/** 0.1, 1, 10, 1k, 1M. */
function tick(value: number): string {
  if (value >= 1e6) return `${value / 1e6}M`;
  return value >= 1e3 ? `${value / 1e3}k` : String(Number(value.toPrecision(1)));
}
