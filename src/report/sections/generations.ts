/** What the models write after the same prompts, side by side. */

import type { EvaluatedGeneration } from "../evaluation.ts";
import { visibleText } from "../format.ts";
import { type Html, html } from "../html.ts";

/** The section, or nothing where nothing was generated. */
export function generationsSection(
  generations: readonly EvaluatedGeneration[],
): Html | undefined {
  if (generations.length === 0) return undefined;
  return html`
    <section id="generations" aria-labelledby="generations-title">
    <h2 id="generations-title">Generated text</h2>
    <p>${introduction(generations)}</p>
    ${generations.map(generation)}
    </section>
  `;
}

function introduction(rows: readonly EvaluatedGeneration[]): string {
  const compared = rows.some(({ before }) => before !== undefined);
  const sentences = [
    compared
      ? "The same prompts given to the model before and after training"
      : "What the model writes after some prompts",
    rows.some(({ chosen }) => chosen !== undefined)
      ? ", beside the answer the data prefers (held out: the model never saw that pair)."
      : ".",
    rows.some(({ before, after }) => `${before}${after}`.includes("\ufffd"))
      ? " \ufffd stands for bytes that are no text."
      : "",
  ];
  return sentences.join("");
}

function generation({ prompt, before, after, chosen }: EvaluatedGeneration): Html {
  return html`
    <article class="generation">
      <h3 dir="auto">${visibleText(prompt.trim())}</h3>
      <div class="columns">
    ${before !== undefined && written("Before", "before", before)}
    ${written(before === undefined ? "Written" : "After", "after", after)}
    ${chosen !== undefined && written("Preferred in the data", "reference", chosen)}
      </div>
    </article>
  `;
}

function written(label: string, kind: string, text: string): Html {
  return html`
    <div class="written ${kind}">
      <h4>${label}</h4>
      <p dir="auto">${text.trim() === "" ? html`<em>(nothing)</em>` : visibleText(text)}</p>
    </div>
  `;
}
