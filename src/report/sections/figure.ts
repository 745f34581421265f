/** A chart on the page: title, legend of inks, drawing, and a sentence that says what it shows. */

import type { Ink } from "../chart.ts";
import { type Html, html } from "../html.ts";

/** An entry of a chart's legend. */
export interface LegendEntry {
  /** The colour. */
  ink: Ink;
  /** What has it. */
  name: string;
}

/** Puts a chart in its frame. */
export function figure(options: {
  title: string;
  chart: Html;
  reading: string;
  legend?: readonly LegendEntry[];
}): Html {
  const { title, chart, reading, legend = [] } = options;
  return html`
    <figure class="chart">
    <figcaption><strong>${title}</strong>
    <span class="legend">${legend.map(({ ink, name }) =>
      html`
        <span class="key ${ink}">${name}</span>
      `
    )}</span></figcaption>
    ${chart}
    <p class="reading">${reading}</p>
    </figure>
  `;
}
