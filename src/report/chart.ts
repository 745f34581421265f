/**
 * Charts drawn on the server as SVG markup. Colours are CSS variables of the page, so that one
 * drawing serves light, dark and print; sizes suit a column of the page's grid. Labels inside a
 * chart are numbers and fixed words only: a data set's texts never get here.
 */

import * as Plot from "@observablehq/plot";
import { DOMParser } from "linkedom";
import { Html } from "./html.ts";
import { formatShare } from "./format.ts";
import { type Point, smoothPoints, thinPoints } from "./training_log.ts";
import type { LengthBin } from "./lengths.ts";

/** A colour of the page: chosen and rejected answers, training and evaluation, before and after. */
export type Ink = "chosen" | "rejected" | "train" | "eval" | "before" | "after";

/** A line of a chart. */
export interface Line {
  /** Its colour. */
  ink: Ink;
  /** Its points, by step. */
  points: readonly Point[];
  /** "noisy": a faint line under its running mean; "plain": as it is; "marked": with dots. */
  draw: "noisy" | "plain" | "marked";
}

/** How a line chart is drawn. */
export interface LineChartOptions {
  /** Said to those who can't see it; a whole sentence. */
  label: string;
  /** Drawn in their order. */
  lines: readonly Line[];
  /** A horizontal line of reference, e.g. 0, or the accuracy of a coin. */
  reference?: number;
  /** Ticks of the value axis. Default: figures. */
  ticks?: "figure" | "share";
  /** Fixed range of the value axis. */
  range?: [number, number];
}

const WIDTH = 420;
const HEIGHT = 220;
const MOST_POINTS = 400;

/** Draws metrics over optimizer steps. */
export function lineChart(options: LineChartOptions): Html {
  const { lines, reference, ticks, range } = options;
  return draw(options.label, {
    x: { label: "step", labelArrow: "none", ticks: 5, tickSize: 3, tickFormat: formatTick },
    y: {
      label: null,
      grid: true,
      ticks: 5,
      tickSize: 0,
      nice: range === undefined,
      tickFormat: ticks === "share" ? formatShare : formatTick,
      ...(range ? { domain: range } : {}),
    },
    marks: [
      reference === undefined
        ? null
        : Plot.ruleY([reference], { stroke: "var(--soft)", strokeDasharray: "3,3" }),
      ...lines.flatMap(lineMarks),
    ],
  });
}

function lineMarks({ ink, points, draw }: Line): Plot.Markish[] {
  const thinned = thinPoints(points, MOST_POINTS);
  const stroke = `var(--${ink})`;
  const line = (data: Point[], options: object) =>
    Plot.line(data, { x: "step", y: "value", stroke, strokeWidth: 1.75, ...options });
  if (draw === "noisy" && thinned.length > 20) {
    return [
      line(thinned, { strokeWidth: 1, strokeOpacity: 0.28 }),
      line(smoothPoints(thinned), {}),
    ];
  }
  if (draw !== "marked") return [line(thinned, {})];
  return [
    line(thinned, { strokeWidth: 1.25, strokeDasharray: "4,2" }),
    Plot.dot(thinned, {
      x: "step",
      y: "value",
      r: thinned.length > 60 ? 1.5 : 3,
      fill: stroke,
      stroke: "var(--paper)",
      strokeWidth: 1,
    }),
  ];
}

/** A held-out pair in the scatter chart: mean log-probabilities of its answers. */
export interface PairPoint {
  /** Of the chosen answer, a token. */
  chosen: number;
  /** Of the rejected answer, a token. */
  rejected: number;
}

/**
 * Draws each held-out pair by the log-probabilities of its two answers, before and after; below
 * the diagonal the model prefers the chosen answer.
 */
export function pairChart(
  label: string,
  clouds: readonly { ink: Ink; points: readonly PairPoint[] }[],
): Html {
  const all = clouds.flatMap(({ points }) => points.flatMap((p) => [p.chosen, p.rejected]));
  const low = Math.min(...all);
  const high = Math.min(0, Math.max(...all));
  const axis = {
    domain: [low, high],
    nice: true,
    ticks: 5,
    tickSize: 0,
    tickFormat: formatTick,
    grid: true,
  };
  return draw(label, {
    height: 340,
    marginBottom: 44,
    marginLeft: 44,
    x: { ...axis, label: "log-probability of the chosen answer, a token", ...PLAIN_LABEL },
    y: { ...axis, label: "of the rejected answer", ...PLAIN_LABEL },
    marks: [
      Plot.link([0], {
        x1: low,
        y1: low,
        x2: high,
        y2: high,
        stroke: "var(--soft)",
        strokeDasharray: "3,3",
      }),
      ...clouds.map(({ ink, points }) =>
        Plot.dot(points, {
          x: "chosen",
          y: "rejected",
          r: 3,
          fill: `var(--${ink})`,
          fillOpacity: 0.55,
          stroke: `var(--${ink})`,
          strokeWidth: 0.75,
        })
      ),
    ],
  });
}

/** Draws two or more distributions of lengths over each other. */
export function lengthChart(
  label: string,
  parts: readonly { ink: Ink; bins: readonly LengthBin[] }[],
): Html {
  return draw(label, {
    x: { label: "tokens", labelArrow: "none", ticks: 6, tickSize: 3, tickFormat: formatTick },
    y: { label: null, grid: true, ticks: 4, tickSize: 0, tickFormat: formatTick },
    marks: [
      ...parts.map(({ ink, bins }) =>
        Plot.rectY(bins, {
          x1: "from",
          x2: "to",
          y: "pairs",
          fill: `var(--${ink})`,
          fillOpacity: 0.4,
          inset: 0,
        })
      ),
      ...parts.map(({ ink, bins }) =>
        Plot.line(bins.flatMap((bin) => [[bin.from, bin.pairs], [bin.to, bin.pairs]]), {
          stroke: `var(--${ink})`,
          strokeWidth: 1.5,
        })
      ),
      Plot.ruleY([0], { stroke: "var(--soft)" }),
    ],
  });
}

const PLAIN_LABEL = { labelArrow: "none", labelAnchor: "center" } as const;

function formatTick(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e6) {
    return value.toLocaleString("en").replace("-", "−");
  }
  if (value !== 0 && Math.abs(value) < 0.01) return value.toExponential().replaceAll("-", "−");
  return Number(value.toPrecision(6)).toString().replace("-", "−");
}

/** Draws a plot and gives its markup, without the library's own style sheet. */
function draw(label: string, options: Plot.PlotOptions): Html {
  const document = new DOMParser().parseFromString("<html></html>", "text/html");
  const svg = Plot.plot({
    document,
    width: WIDTH,
    height: HEIGHT,
    marginLeft: 46,
    marginRight: 14,
    marginTop: 12,
    marginBottom: 34,
    className: "plot",
    ...options,
  });
  svg.querySelector("style")?.remove();
  for (const name of ["width", "height", "font-family", "font-size"]) svg.removeAttribute(name);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  for (const group of svg.querySelectorAll("g[aria-label]")) group.removeAttribute("aria-label");
  return new Html(svg.outerHTML);
}
