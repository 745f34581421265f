/** The pipeline a verb is about: its argument, or the file that runs itself, with what is set. */

import type { Flag, FlagValues } from "./flags.ts";
import type { CliContext, VerbInput } from "./verb.ts";
import type { LoadOptions, PipelineInput } from "../runner/load/load.ts";

/** Flags of every verb that takes a pipeline. */
export const pipelineFlags = {
  set: {
    kind: "list",
    value: "key=value",
    help: "Override a setting, e.g. --set stages.orpo.with.beta=0.5; may be repeated.",
  },
  seed: { kind: "integer", value: "n", help: "In place of the pipeline's seed." },
  device: {
    kind: "text",
    value: "name",
    help: "In place of the pipeline's device:",
    choices: ["auto", "webgpu", "wasm", "cpu"],
  },
} as const satisfies Record<string, Flag>;

/** Flags that choose stages. */
export const selectionFlags = {
  until: { kind: "text", value: "stage", help: "The last stage to run." },
  only: { kind: "text", value: "stage", help: "The one stage to run; its inputs are stored." },
  force: {
    kind: "switch-or-list",
    value: "stages",
    help: "Run stages again whose results are stored: all, or those named.",
  },
} as const satisfies Record<string, Flag>;

/** What a loader needs, from a verb's words. */
export function pipelineArgument(
  { flags, positionals }: VerbInput<typeof pipelineFlags>,
  { own, registry }: CliContext,
): [PipelineInput, LoadOptions] {
  const options = { registry, overrides: flags.set, seed: flags.seed, device: flags.device };
  return own ? [own.spec, { ...options, file: own.file }] : [positionals[0]!, options];
}

/** The selection flags' values. */
export function selectionOf(flags: FlagValues<typeof selectionFlags>): {
  until?: string;
  only?: string;
  force?: string[] | true;
} {
  const { until, only, force } = flags;
  return { until, only, force };
}
