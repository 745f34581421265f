/** Where the time of optimizer steps went, by operation, if the run was profiled. */

import type { Json, JsonObject } from "../../base/json.ts";
import { formatCount, formatElapsed, formatFigure, formatShare } from "../format.ts";
import { type Html, html } from "../html.ts";

const METHODS: Readonly<Record<string, string>> = {
  "timestamp-query": "Timed by the device's own timestamps.",
  "submit-and-wait": "The device has no use of timestamps: each kernel was handed over alone and " +
    "waited for, which adds to every run.",
  "wall-clock": "Timed as function calls, by the wall clock.",
};

/** The section, or nothing where training recorded no profile. */
export function kernelsSection({ profile }: JsonObject): Html | undefined {
  if (typeof profile !== "object" || profile === null || Array.isArray(profile)) return undefined;
  const { ops, method, steps, firstStep, wallMs, kernelMs, untimed } = profile;
  if (!Array.isArray(ops) || ops.length === 0) return undefined;
  const number = (value: Json | undefined) => typeof value === "number" ? value : NaN;
  return html`
    <section id="kernels" aria-labelledby="kernels-title">
      <h2 id="kernels-title">Time in kernels</h2>
      <p>${stepsText(number(firstStep), number(steps))}: ${formatElapsed(
        number(kernelMs),
      )} in kernels
    of ${formatElapsed(number(wallMs))}, ${formatShare(
      number(kernelMs) / number(wallMs),
    )}. ${METHODS[
      String(method)
    ]} Profiled steps take longer than others; what they compute is the same.${number(untimed) >
        0 &&
      ` The device told no time of ${formatCount(number(untimed))} runs, which count as 0 ms.`}</p>
      <table class="figures">
        <caption>Operations, the costliest first</caption>
        <thead>
          <tr>
            <th scope="col">Operation</th>
            <th scope="col">Runs</th>
            <th scope="col">Milliseconds</th>
            <th scope="col">Share</th>
          </tr>
        </thead>
        <tbody>
    ${(ops as JsonObject[]).map(({ label, count, totalMs, share }) =>
      html`
        <tr>
          <th scope="row">${String(label)}</th>
          <td>${formatCount(number(count))}</td>
          <td>${formatFigure(number(totalMs))}</td>
          <td>${formatShare(number(share))}</td>
        </tr>
      `
    )}</tbody>
      </table>
    </section>
  `;
}

function stepsText(first: number, steps: number): string {
  return steps === 1 ? `Step ${first}` : `Steps ${first} to ${first + steps - 1}`;
}
