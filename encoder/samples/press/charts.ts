/**
 * Charts of the sample documents, drawn as vectors with their values as text.
 *
 * @module
 */
import { COLOUR, type Press } from "./press.ts";

export interface Bar {
  label: string;
  value: number;
}

const TITLE_ROOM = 30;
const AXIS_ROOM = 22;
const GRID_LINES = 4;

/** Upright bars with the value above each. */
export function barChart(
  press: Press,
  title: string,
  bars: readonly Bar[],
  height: number,
  format: (value: number) => string = String,
): void {
  const frame = openFrame(press, title, height);
  const top = Math.max(...bars.map((bar) => bar.value)) * 1.1;
  const slot = frame.width / bars.length;
  for (const [i, bar] of bars.entries()) {
    const barHeight = (frame.height * bar.value) / top;
    const x = frame.x + i * slot;
    press.doc
      .rect(x + slot * 0.2, frame.bottom - barHeight, slot * 0.6, barHeight)
      .fill(i % 2 === 0 ? COLOUR.teal : COLOUR.navy);
    const text = { width: slot, align: "center" } as const;
    press.label(format(bar.value), x, frame.bottom - barHeight - 13, { ...text, face: "sans-bold", size: 9 });
    press.label(bar.label, x, frame.bottom + 6, { ...text, size: 8.5, colour: COLOUR.soft });
  }
  closeFrame(press, frame);
}

export interface Series {
  name: string;
  colour: string;
  values: readonly number[];
}

/** Lines over common labels, from `min` to `max`. */
export function lineChart(
  press: Press,
  title: string,
  labels: readonly string[],
  series: readonly Series[],
  options: { height: number; min: number; max: number; unit: string },
): void {
  const frame = openFrame(press, title, options.height);
  const span = options.max - options.min;
  const step = frame.width / (labels.length - 1);
  const place = (value: number) => frame.bottom - (frame.height * (value - options.min)) / span;
  for (let i = 0; i <= GRID_LINES; i++) {
    const value = options.min + (span * i) / GRID_LINES;
    press.label(`${value} ${options.unit}`, frame.x + 2, place(value) - 11, { size: 7.5, colour: COLOUR.soft });
  }
  for (const [i, label] of labels.entries()) {
    press.label(label, frame.x + i * step - 30, frame.bottom + 6, {
      width: 60,
      align: "center",
      size: 8.5,
      colour: COLOUR.soft,
    });
  }
  for (const [s, { name, colour, values }] of series.entries()) {
    const points = values.map((value, i): [number, number] => [frame.x + i * step, place(value)]);
    const [first = [0, 0], ...rest] = points;
    press.doc.moveTo(...first);
    for (const point of rest) press.doc.lineTo(...point);
    press.doc.lineWidth(1.8).stroke(colour);
    for (const [x, y] of points) press.doc.circle(x, y, 2.4).fill(colour);
    press.doc.rect(frame.x + frame.width - 150, frame.top + 4 + s * 14, 14, 3).fill(colour);
    press.label(name, frame.x + frame.width - 130, frame.top - 1 + s * 14, { size: 8.5 });
  }
  closeFrame(press, frame);
}

export interface Slice {
  label: string;
  /** Of 100. */
  percent: number;
  colour: string;
}

/** A ring with its legend to the right. */
export function ringChart(press: Press, title: string, slices: readonly Slice[], height: number): void {
  const top = press.doc.y;
  press.label(title, press.left, top, { face: "sans-bold", size: 11.5, colour: COLOUR.navy });
  const radius = (height - TITLE_ROOM) / 2;
  const centre = { x: press.left + radius + 12, y: top + TITLE_ROOM + radius };
  let angle = -Math.PI / 2;
  for (const [i, slice] of slices.entries()) {
    const end = angle + (slice.percent / 100) * 2 * Math.PI;
    press.doc.path(ringSlice(centre, radius, angle, end)).fill(slice.colour);
    const y = top + TITLE_ROOM + 14 + i * 22;
    const x = centre.x + radius + 36;
    press.doc.roundedRect(x, y, 11, 11, 2).fill(slice.colour);
    press.label(`${slice.label}: ${slice.percent} %`, x + 20, y - 1, { size: 10 });
    angle = end;
  }
  press.doc.y = top + height + 14;
}

function ringSlice(centre: { x: number; y: number }, radius: number, from: number, to: number): string {
  const inner = radius * 0.55;
  const at = (angle: number, r: number) =>
    `${(centre.x + r * Math.cos(angle)).toFixed(2)} ${(centre.y + r * Math.sin(angle)).toFixed(2)}`;
  const large = to - from > Math.PI ? 1 : 0;
  return `M ${at(from, radius)} A ${radius} ${radius} 0 ${large} 1 ${at(to, radius)} L ${at(to, inner)} A ${inner} ${inner} 0 ${large} 0 ${at(from, inner)} Z`;
}

interface Frame {
  x: number;
  top: number;
  bottom: number;
  width: number;
  height: number;
}

function openFrame(press: Press, title: string, height: number): Frame {
  const top = press.doc.y;
  press.label(title, press.left, top, { face: "sans-bold", size: 11.5, colour: COLOUR.navy });
  const frame: Frame = {
    x: press.left,
    top: top + TITLE_ROOM,
    bottom: top + height - AXIS_ROOM,
    width: press.width,
    height: height - TITLE_ROOM - AXIS_ROOM,
  };
  for (let i = 0; i <= GRID_LINES; i++) {
    const y = frame.bottom - (frame.height * i) / GRID_LINES;
    press.doc
      .moveTo(frame.x, y)
      .lineTo(frame.x + frame.width, y)
      .lineWidth(i === 0 ? 0.9 : 0.4)
      .stroke(COLOUR.rule);
  }
  return frame;
}

function closeFrame(press: Press, frame: Frame): void {
  press.doc.x = press.left;
  press.doc.y = frame.bottom + AXIS_ROOM + 12;
}
