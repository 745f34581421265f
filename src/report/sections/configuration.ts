/** How the run was set up and what each stage recorded: options and facts, stage by stage. */

import type { Json, JsonObject } from "../../base/json.ts";
import { formatFigure } from "../format.ts";
import { type Html, html } from "../html.ts";
import type { ReportInput, ReportStage } from "../input.ts";

/** The section. */
export function configurationSection({ stages }: ReportInput): Html {
  return html`
    <section id="configuration" aria-labelledby="configuration-title">
    <h2 id="configuration-title">Configuration</h2>
    <p>Every stage with its options, defaults included, and what it recorded.</p>
    ${stages.map(stageDetails)}
    </section>
  `;
}

function stageDetails({ id, uses, version, options, facts }: ReportStage): Html {
  return html`
    <details>
    <summary><strong>${id}</strong> <small>${uses === id
      ? ""
      : `${uses}, `}version ${version}</small></summary>
    ${settings("Options", options)}
    ${settings("Recorded", facts)}
    </details>
  `;
}

function settings(title: string, values: JsonObject): Html | undefined {
  const rows = flatten(values);
  if (rows.length === 0) return undefined;
  return html`
    <table class="settings">
      <caption>${title}</caption>
      <tbody>
    ${rows.map(([name, value]) =>
      html`
        <tr>
          <th scope="row"><code>${name}</code></th>
          <td>${value}</td>
        </tr>
      `
    )}</tbody>
    </table>
  `;
}

const MOST_ROWS = 200;

/** Nested values as "outer.inner" rows; long tables are cut, and say so. */
function flatten(values: JsonObject): [name: string, value: string][] {
  const rows: [string, string][] = [];
  const visit = (name: string, value: Json): void => {
    if (typeof value !== "object" || value === null) rows.push([name, scalar(value)]);
    else if (Array.isArray(value) && value.every((item) => typeof item !== "object")) {
      rows.push([name, value.map(scalar).join(", ")]);
    } else {
      for (const [key, inner] of Object.entries(value)) visit(name ? `${name}.${key}` : key, inner);
    }
  };
  visit("", values);
  if (rows.length <= MOST_ROWS) return rows;
  const more = rows.length - MOST_ROWS;
  return [...rows.slice(0, MOST_ROWS), ["…", `${more} more, in the manifest`]];
}

function scalar(value: Json): string {
  if (value === null) return "none";
  if (typeof value === "number") {
    return Number.isInteger(value) || Math.abs(value) < 0.001 ? String(value) : formatFigure(value);
  }
  return String(value);
}
