/** A bar chart as SVG. */

import type { Bucket } from "./usage.js";
import { span } from "./parts.js";

const WIDEST = 1080;
const HEIGHT = 210;
const LEFT = 64;
const BOTTOM = 26;
const TOP = 10;
/** Room for one name below the axis. */
const LABEL = 76;

function shape(tag: string, attributes: Record<string, string | number>, text = ""): SVGElement {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.textContent = text;
  return made;
}

/** A round number at or above a value, in seconds. */
function ceiling(value: number): number {
  const steps = [10, 30, 60, 300, 600, 1800, 3600, 7200, 18000, 36000, 86400];
  return steps.find((step) => step >= value) ?? Math.ceil(value / 86400) * 86400;
}

/** Bars, named below the axis as far as there is room; `name` names a bucket. */
export function barChart(buckets: readonly Bucket[], name: (bucket: Bucket) => string): SVGElement {
  const width = Math.min(WIDEST, Math.max(300, document.documentElement.clientWidth - 64)); // so that text keeps its size
  const every = Math.ceil(buckets.length / ((width - LEFT) / LABEL));
  const top = ceiling(Math.max(...buckets.map(({ seconds }) => seconds), 1));
  const total = buckets.reduce((sum, { seconds }) => sum + seconds, 0);
  const chart = shape("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, class: "chart", role: "img", "aria-label": `Usage: ${span(total)} in all, at most ${span(Math.max(...buckets.map(({ seconds }) => seconds)))} in one bar` });
  const y = (seconds: number): number => HEIGHT - BOTTOM - (seconds / top) * (HEIGHT - BOTTOM - TOP);
  for (const share of [0, 0.5, 1]) {
    const at = y(share * top);
    chart.append(shape("line", { class: "grid", x1: LEFT, x2: width, y1: at, y2: at }), shape("text", { x: LEFT - 10, y: at + 4, "text-anchor": "end" }, span(share * top)));
  }
  const step = (width - LEFT) / buckets.length;
  buckets.forEach((bucket, i) => {
    const height = Math.max(bucket.seconds > 0 ? 2 : 0, HEIGHT - BOTTOM - y(bucket.seconds));
    const bar = shape("rect", { class: "bar", x: LEFT + i * step + step * 0.16, y: HEIGHT - BOTTOM - height, width: step * 0.68, height, rx: Math.min(4, height / 2) });
    bar.append(shape("title", {}, `${name(bucket)}: ${span(bucket.seconds)}`));
    chart.append(bar);
    if ((buckets.length - 1 - i) % every) return;
    chart.append(shape("text", { x: LEFT + (i + 0.5) * step, y: HEIGHT - 6, "text-anchor": "middle" }, name(bucket)));
  });
  return chart;
}
