/** Where the page comes from: run, seed, device, versions, digests, and the command to repeat it. */

import { type Html, html } from "../html.ts";
import type { ReportInput } from "../input.ts";

/** The section. */
export function provenanceSection({ run, versions, artifacts, stages }: ReportInput): Html {
  const devices = [
    ...new Set(
      stages.flatMap(({ facts }) => typeof facts.device === "string" ? [facts.device] : []),
    ),
  ];
  return html`
    <section id="provenance" aria-labelledby="provenance-title">
    <h2 id="provenance-title">Provenance</h2>
    <dl class="facts">
    <div><dt>Run</dt><dd><code>${run.id}</code></dd></div>
    <div><dt>Started</dt><dd>${run.startedAt}</dd></div>
    ${run.seed !== undefined && html`
      <div>
        <dt>Seed</dt>
        <dd>${run.seed}</dd>
      </div>
    `}
    ${devices.length > 0 && html`
      <div>
        <dt>Device</dt>
        <dd>${devices.join("; ")}</dd>
      </div>
    `}
    <div><dt>Versions</dt><dd>${Object.entries(versions).map(([name, version]) =>
      `${name} ${version}`
    ).join(", ")}</dd></div>
    </dl>
    ${run.command !== undefined && html`
      <p>To make it again:</p>
      <pre><code>${run.command}</code></pre>
    `}
    ${artifacts.length > 0 && html`
      <table class="settings">
        <caption>Artifacts this page was made from, by the SHA-256 of their content</caption>
        <tbody>
      ${artifacts.map(({ ref, digest }) =>
        html`
          <tr>
            <th scope="row"><code>${ref}</code></th>
            <td><code>${digest}</code></td>
          </tr>
        `
      )}</tbody>
      </table>
    `}
    </section>
  `;
}
