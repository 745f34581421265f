/** The head of the page: what happened in one sentence, four figures, and the remarks. */

import { findings, headline } from "../findings.ts";
import { formatFigure, formatShare } from "../format.ts";
import { type Html, html } from "../html.ts";
import type { EvaluationSummary } from "../evaluation.ts";
import type { ReportInput } from "../input.ts";

/** The page's header. */
export function pageHeader(input: ReportInput): Html {
  const started = input.run.startedAt.slice(0, 16).replace("T", " ");
  return html`
    <header>
    <p class="kicker">Preference training report · <time datetime="${input.run
      .startedAt}">${started} UTC</time></p>
    <h1>${input.title}</h1>
    <p class="lede">${headline(input)}</p>
    ${input.evaluation && keyFigures(input.evaluation.summary)}
    </header>
  `;
}

const KEY_FIGURES = [
  ["eval_rewards/accuracies", "Accuracy", "pairs where chosen is likelier", formatShare],
  ["eval_logps/chosen", "Chosen", "log-probability a token", formatFigure],
  ["eval_logps/rejected", "Rejected", "log-probability a token", formatFigure],
  ["eval_perplexity/chosen", "Perplexity", "of the chosen answers", formatFigure],
] as const;

function keyFigures({ before, after }: EvaluationSummary): Html {
  return html`
    <dl class="key-figures">
    ${KEY_FIGURES.map(([metric, name, meaning, format]) =>
      html`
        <div>
          <dt>${name} <small>${meaning}</small></dt>
          <dd>${before && html`
            <span class="was">${format(before.metrics[metric])}</span>
            <span class="arrow" aria-label="became">→</span>
          `}<span class="now">${format(after.metrics[metric])}</span></dd>
        </div>
      `
    )}
    </dl>
  `;
}

/** The remarks; nothing where there are none. */
export function resultSection(input: ReportInput): Html | undefined {
  const found = findings(input);
  if (found.length === 0) return undefined;
  return html`
    <section id="result" aria-labelledby="result-title">
      <h2 id="result-title">Result</h2>
      <ul class="findings">
    ${found.map(({ level, text }) =>
      html`<li class="${level}">${
        level === "warn" && html`
          <strong>Note well.</strong>
        `
      }${text}</li>\n`
    )}</ul>
    </section>
  `;
}
