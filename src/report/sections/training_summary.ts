/** What training took: steps, pairs, time, speed, memory. Says only what the log's summary says. */

import type { JsonObject } from "../../base/json.ts";
import { formatBytes, formatCount, formatElapsed } from "../format.ts";
import { type Html, html } from "../html.ts";

type Fact = (value: number) => string;

const FACTS: readonly [key: string, name: string, format: Fact][] = [
  ["parameters", "Weights", formatCount],
  ["trainableParameters", "Weights trained", formatCount],
  ["steps", "Optimizer steps", formatCount],
  ["pairsSeen", "Pairs seen", formatCount],
  ["tokensSeen", "Tokens seen", formatCount],
  ["sharedTokens", "Prompt tokens shared", formatCount],
  ["trainMs", "Time in steps", formatElapsed],
  ["tokensPerSecond", "Tokens a second", formatCount],
  ["pairsPerSecond", "Pairs a second", formatCount],
  ["peakMemoryBytes", "Most memory held", formatBytes],
];

/** The facts as a row of figures, and what is unusual about the run. */
export function trainingSummary(summary: JsonObject): Html | undefined {
  const facts = FACTS.flatMap(([key, name, format]) => {
    const value = summary[key];
    return typeof value === "number" ? [[name, format(value)] as const] : [];
  });
  if (facts.length === 0) return undefined;
  return html`
    <dl class="strip">
    ${facts.map(([name, value]) =>
      html`
        <div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>
      `
    )}</dl>
    ${remarks(summary).map((text) =>
      html`
        <p>${text}</p>
      `
    )}
  `;
}

function remarks(
  { stoppedEarly, totalSteps, modelStep, steps, resumedFrom }: JsonObject,
): string[] {
  const said: string[] = [];
  if (stoppedEarly === true) said.push(`Stopped early, of ${totalSteps} steps asked for.`);
  if (typeof modelStep === "number" && modelStep !== steps) {
    said.push(`The model is that of step ${modelStep}, the best evaluation.`);
  }
  if (typeof resumedFrom === "number") {
    said.push(`Interrupted once, and resumed from the checkpoint of step ${resumedFrom}.`);
  }
  return said;
}
