/** `gc`: frees what no run uses and, where asked, old runs. */

import { format as formatBytes } from "@std/fmt/bytes";
import { collectGarbage } from "../../runner/store/gc.ts";
import { EXIT } from "../exit_code.ts";
import { shownPath } from "../../runner/load/pipeline_source.ts";
import { jsonText } from "../output.ts";
import { runsDirOf, runsFlags } from "../runs_flags.ts";
import { formatTable } from "../table.ts";
import { defineVerb } from "../verb.ts";

/** The verb. */
export const gcVerb = defineVerb({
  name: "gc",
  usage: "[options]",
  required: [],
  most: 0,
  flags: {
    "keep-runs": {
      kind: "integer",
      value: "n",
      least: 0,
      help: "Keep the n newest runs; others go.",
    },
    "older-than-days": {
      kind: "number",
      value: "n",
      least: 0,
      help: "Only runs older than that go.",
    },
    "dry-run": { kind: "switch", help: "Say what would go, and remove nothing." },
    json: { kind: "switch", help: "Write what went as JSON." },
    ...runsFlags,
  },
  examples: [["gc --keep-runs=5 --dry-run", "Shows what keeping five runs would free."]],
  async run({ flags }, context) {
    const report = await collectGarbage(runsDirOf(flags), {
      keepRuns: flags["keep-runs"],
      olderThanDays: flags["older-than-days"],
      dryRun: flags["dry-run"],
    });
    const { removed, freedBytes, inUse } = report;
    if (flags.json) {
      context.write(jsonText({ dryRun: flags["dry-run"], removed, freedBytes, inUse }));
      return EXIT.ok;
    }
    if (removed.length > 0) {
      const rows = removed.map(({ what, path, sizeBytes }) => [
        what,
        formatBytes(sizeBytes, { binary: true }),
        shownPath(path, Deno.cwd()),
      ]);
      context.write(formatTable(["what", "size", "path"], rows));
    }
    if (inUse.length > 0) context.say(`left alone, still running: ${inUse.join(", ")}`);
    const verb = flags["dry-run"] ? "would free" : "freed";
    context.say(`${verb} ${formatBytes(freedBytes, { binary: true })}`);
    return EXIT.ok;
  },
});
