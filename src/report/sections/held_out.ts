/** Held-out pairs: every figure before and after, the cloud of pairs, the worst and the best. */

import { pairChart } from "../chart.ts";
import type { EvaluatedPair, EvaluationSummary, FigureInterval } from "../evaluation.ts";
import { formatCount, formatFigure, formatShare, visibleText } from "../format.ts";
import { HELD_OUT_METRICS } from "../held_out_metrics.ts";
import { type Html, html } from "../html.ts";
import type { ReportEvaluation } from "../input.ts";
import { pairMargin, type PairSelection } from "../pair_selection.ts";
import { figure } from "./figure.ts";

/** The section. */
export function heldOutSection({ summary, pairs }: ReportEvaluation): Html {
  return html`
    <section id="held-out" aria-labelledby="held-out-title">
    <h2 id="held-out-title">Held-out pairs</h2>
    <div class="split">
    ${metricsTable(summary)}
    ${cloud(pairs, summary)}
    </div>
    ${pairsTable("Furthest from the preference", "worst", pairs.worst)}
    ${pairsTable("Closest to the preference", "best", pairs.best)}
    </section>
  `;
}

function metricsTable({ pairs, objective, before, after }: EvaluationSummary): Html {
  const rows = HELD_OUT_METRICS.filter(([name]) => after.metrics[`eval_${name}`] !== undefined);
  return html`
    <table class="figures">
      <caption>${formatCount(pairs)} pairs; beta ${objective
        .beta}, NLL over ${objective.nllScope === "all"
        ? "prompt and answer"
        : "the answer"}</caption>
      <thead>
        <tr><th scope="col">Metric</th>${before &&
          html`<th scope="col">Before</th>`}<th scope="col">${before ? "After" : "Value"}</th></tr>
      </thead>
      <tbody>
    ${rows.map(([name, meaning]) =>
      html`<tr><th scope="row"><code>${name}</code> <small>${meaning}</small></th>${
        before && html`<td>${figureWithInterval(name, before)}</td>`
      }<td>${figureWithInterval(name, after)}</td></tr>\n`
    )}</tbody>
    </table>
  `;
}

function figureWithInterval(
  name: string,
  model: { metrics: Record<string, number>; intervals: Record<string, FigureInterval> },
): Html {
  const value = model.metrics[`eval_${name}`];
  const interval = model.intervals[`eval_${name}`];
  if (!name.endsWith("accuracies")) return html`${formatFigure(value)}`;
  return html`${formatShare(value)}${
    interval &&
    html`
      <small>${formatShare(interval.low)} to ${formatShare(interval.high)}</small>
    `
  }`;
}

function cloud(pairs: PairSelection, summary: EvaluationSummary): Html | undefined {
  if (pairs.after.length === 0) return undefined;
  const compared = pairs.before.length > 0;
  const sample = pairs.after.length < pairs.total
    ? ` ${formatCount(pairs.after.length)} pairs, evenly spaced, are drawn.`
    : "";
  const reading =
    "Each dot is a pair. Below the dashed line the chosen answer is the likelier one: " +
    `${
      compared ? `${formatShare(summary.before?.metrics["eval_rewards/accuracies"])} before, ` : ""
    }` +
    `${formatShare(summary.after.metrics["eval_rewards/accuracies"])}${
      compared ? " after" : ""
    }.${sample}`;
  return figure({
    title: "Log-probability of both answers",
    chart: pairChart(`Scatter chart of held-out pairs. ${reading}`, [
      ...(compared ? [{ ink: "before" as const, points: pairs.before }] : []),
      { ink: "after", points: pairs.after },
    ]),
    reading,
    legend: compared ? [{ ink: "before", name: "before" }, { ink: "after", name: "after" }] : [],
  });
}

function pairsTable(
  title: string,
  id: string,
  pairs: readonly EvaluatedPair[],
): Html | undefined {
  if (pairs.length === 0) return undefined;
  const compared = pairs.some((pair) => pair.before);
  return html`
    <h3 id="${id}">${title}</h3>
    <table class="pairs" aria-labelledby="${id}">
      <caption>Margin: log-probability a token of chosen less rejected${compared
        ? ", before and after training"
        : ""}</caption>
      <thead>
        <tr><th scope="col">Pair</th>${compared &&
          html`<th scope="col">Before</th>`}<th scope="col">${compared
          ? "After"
          : "Margin"}</th></tr>
      </thead>
      <tbody>
    ${pairs.map((pair) => pairRow(pair, compared))}</tbody>
    </table>
  `;
}

function pairRow(pair: EvaluatedPair, compared: boolean): Html {
  const { before } = pair;
  const was = before && before.logpsChosen - before.logpsRejected;
  return html`<tr><td>
<p class="prompt" dir="auto">${shorten(pair.prompt)}</p>
<p class="answer chosen" dir="auto"><span class="tag">chosen</span> ${shorten(pair.chosen)}</p>
<p class="answer rejected" dir="auto"><span class="tag">rejected</span> ${
    shorten(pair.rejected)
  }</p>
<p class="source">${pair.source}</p></td>${compared && html`<td>${formatFigure(was)}</td>`}<td>${
    formatFigure(pairMargin(pair))
  }</td></tr>\n`;
}

const LONGEST_TEXT = 600;

function shorten(text: string): string {
  const shown = visibleText(text.trim());
  return shown.length > LONGEST_TEXT ? `${shown.slice(0, LONGEST_TEXT)} …` : shown;
}
