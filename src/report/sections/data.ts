/** The data: rows kept and dropped with reasons, lengths, and whether length tells the preference. */

import { lengthChart } from "../chart.ts";
import { formatCount, formatFigure, formatShare } from "../format.ts";
import { type Html, html } from "../html.ts";
import type { ReportData, ReportInput } from "../input.ts";
import type { LengthTally } from "../lengths.ts";
import { type RowCounts, rowCounts } from "../row_counts.ts";
import { figure } from "./figure.ts";

/** The section, or nothing where nothing is known of the data. */
export function dataSection({ data, stages }: ReportInput): Html | undefined {
  const counts = rowCounts(stages);
  if (!data && counts.length === 0) return undefined;
  return html`
    <section id="data" aria-labelledby="data-title">
    <h2 id="data-title">Data</h2>
    ${data &&
      html`<p>${formatCount(data.counts.train)} pairs to train on, ${
        formatCount(data.counts.eval)
      } held out.</p>`}
    <div class="split">
    <div>
    ${counts.length > 0 && countsTable(counts)}
    ${data && lengthsTable(data.lengths)}
    </div>
    ${data && lengthsFigure(data)}
    </div>
    </section>
  `;
}

function countsTable(counts: readonly RowCounts[]): Html {
  return html`
    <table class="figures">
      <caption>Rows by stage</caption>
      <thead>
        <tr>
          <th scope="col">Stage</th>
          <th scope="col">Kept</th>
          <th scope="col">Left out</th>
        </tr>
      </thead>
      <tbody>
    ${counts.map(({ stageId, kept, dropped, reasons }) =>
      html`
        <tr>
          <th scope="row">${stageId} <small>${reasons.map(({ reason, rows }) =>
            `${reason} ${formatCount(rows)}`
          ).join(", ")}</small></th>
          <td>${kept === undefined ? "–" : formatCount(kept)}</td>
          <td>${formatCount(dropped)}</td>
        </tr>
      `
    )}</tbody>
    </table>
  `;
}

function lengthsTable(lengths: LengthTally): Html | undefined {
  if (lengths.pairs === 0) return undefined;
  const parts = ["prompt", "chosen", "rejected"] as const;
  return html`
    <table class="figures">
      <caption>Tokens in training pairs</caption>
      <thead>
        <tr>
          <th scope="col">Part</th>
          <th scope="col">Mean</th>
          <th scope="col">Median</th>
          <th scope="col">Longest</th>
        </tr>
      </thead>
      <tbody>
    ${parts.map((part) => {
      const { mean, median, max } = lengths.summary(part)!;
      return html`
        <tr>
          <th scope="row">${part}</th>
          <td>${formatFigure(mean)}</td>
          <td>${formatCount(median)}</td>
          <td>${formatCount(max)}</td>
        </tr>
      `;
    })}</tbody>
    </table>
  `;
}

const MOST_BINS = 36;

function lengthsFigure({ lengths }: ReportData): Html | undefined {
  if (lengths.pairs === 0) return undefined;
  const reading = `The chosen answer is the longer one in ${
    formatShare(lengths.chosenLonger / lengths.pairs)
  } of pairs, equally long in ${formatShare(lengths.equallyLong / lengths.pairs)}.`;
  return figure({
    title: "Length of the answers",
    reading,
    legend: [{ ink: "chosen", name: "chosen" }, { ink: "rejected", name: "rejected" }],
    chart: lengthChart(`Histogram of answer lengths in tokens. ${reading}`, [
      { ink: "chosen", bins: lengths.bins("chosen", MOST_BINS) },
      { ink: "rejected", bins: lengths.bins("rejected", MOST_BINS) },
    ]),
  });
}
