/**
 * The report: one HTML page with everything in it (style, charts, text), no script, and no request
 * to anywhere. What data and models wrote is escaped; see html.ts.
 */

import { Html, html } from "./html.ts";
import type { ReportInput } from "./input.ts";
import style from "./page.css" with { type: "text" };
import { configurationSection } from "./sections/configuration.ts";
import { dataSection } from "./sections/data.ts";
import { generationsSection } from "./sections/generations.ts";
import { heldOutSection } from "./sections/held_out.ts";
import { kernelsSection } from "./sections/kernels.ts";
import { provenanceSection } from "./sections/provenance.ts";
import { pageHeader, resultSection } from "./sections/result.ts";
import { trainingSection } from "./sections/training.ts";

/** Draws the page. Sections of which nothing is known are left out. */
export function renderReport(input: ReportInput): string {
  const { training, evaluation } = input;
  const sections: readonly [id: string, name: string, content: Html | undefined][] = [
    ["result", "Result", resultSection(input)],
    ["generations", "Generated text", evaluation && generationsSection(evaluation.generations)],
    ["training", "Training", training && trainingSection(training)],
    ["kernels", "Time in kernels", training && kernelsSection(training.summary)],
    ["held-out", "Held-out pairs", evaluation && heldOutSection(evaluation)],
    ["data", "Data", dataSection(input)],
    ["configuration", "Configuration", configurationSection(input)],
    ["provenance", "Provenance", provenanceSection(input)],
  ];
  const present = sections.filter(([, , content]) => content !== undefined);
  const page = html`
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta name="generator" content="Oddsmith ${input.versions.oddsmith}">
        <title>${input.title} · Oddsmith report</title>
        <style>${new Html(style)}</style>
      </head>
      <body>
        <a class="skip" href="#content">Skip to the content</a>
        <div class="page">
    ${pageHeader(input)}
    <nav aria-label="Contents">
    <ul>${present.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}</ul>
    </nav>
    <main id="content">${present.map(([, , content]) => content)}</main>
    <footer>Drawn by Oddsmith ${input.versions
      .oddsmith}. Log-probabilities are natural logarithms and
    means a token.</footer>
        </div>
      </body>
    </html>
  `;
  return page.text;
}
