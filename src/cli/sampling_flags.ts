/** The flags of verbs that let a model write, and what they come to beside the model's own settings. */

import type { LoadedModel } from "../chat/loaded_model.ts";
import type { TemplateChoice } from "../text/choose_template.ts";
import { badCombination, badFlagValue } from "./errors.ts";
import type { Flag, FlagValues } from "./flags.ts";
import { pipelineFlags } from "./pipeline_argument.ts";

/** How text is chosen. */
export const samplingFlags = {
  "max-new-tokens": {
    kind: "integer",
    value: "n",
    least: 1,
    help: "At most so many tokens (default: the model's, else 128).",
  },
  temperature: {
    kind: "number",
    value: "t",
    least: 0,
    help: "0 takes the likeliest token (default: the model's, else 0).",
  },
  "top-k": {
    kind: "integer",
    value: "n",
    least: 0,
    help: "Choose among the n likeliest tokens; 0: all.",
  },
  "top-p": { kind: "number", value: "p", help: "Choose among tokens that make up this share." },
  "min-p": {
    kind: "number",
    value: "p",
    least: 0,
    help: "Choose among tokens at least p times as likely as the likeliest.",
  },
  "repetition-penalty": {
    kind: "number",
    value: "r",
    help: "Above 1 makes tokens that were there before less likely.",
  },
  seed: { kind: "integer", value: "n", help: "Of the choices, where temperature is above 0." },
  stop: {
    kind: "list",
    value: "text",
    help: "End the text before this; may be repeated.",
  },
} as const satisfies Record<string, Flag>;

/** What every verb that loads a model takes. */
export const modelFlags = {
  "base-model": {
    kind: "text",
    value: "model",
    help: "What an adapter folder is laid over (default: what its adapter_config.json names).",
  },
  quantization: {
    kind: "text",
    value: "format",
    help: "Keep weights in fewer bits, to save memory (default: none):",
    choices: ["none", "f16", "int8", "nf4"],
  },
  template: {
    kind: "text",
    value: "name|file",
    help: "Write conversations by this template: alpaca, chatml, llama2, plain, or a Jinja file.",
  },
  device: { ...pipelineFlags.device, help: "Where to compute (default: auto):" },
} as const satisfies Record<string, Flag>;

type Values = FlagValues<typeof samplingFlags>;

/** Checks ranges, before anything is loaded. @throws {OddsmithError} FLAG_VALUE. */
export function checkSamplingFlags(flags: Values): void {
  const check = (name: keyof Values & string, wanted: string, isGood: (n: number) => boolean) => {
    const value = flags[name];
    if (typeof value === "number" && !isGood(value)) throw badFlagValue(name, wanted, `${value}`);
  };
  check("top-p", "a number above 0, up to 1", (p) => p > 0 && p <= 1);
  check("min-p", "a number from 0 to 1", (p) => p <= 1);
  check("repetition-penalty", "a number above 0", (r) => r > 0);
}

/** The sampling of one model: flags, then its generation_config.json, then the likeliest token. */
export function samplingOf(flags: Values, { defaults }: LoadedModel) {
  const temperature = flags.temperature ?? defaults.temperature ?? 0;
  const random = (["top-k", "top-p", "min-p", "seed"] as const)
    .filter((name) => flags[name] !== undefined);
  if (temperature === 0 && random.length > 0) {
    const names = random.map((name) => `--${name}`).join(", ");
    throw badCombination(
      `Cannot use ${names} at temperature 0: nothing is chosen at random`,
      "add --temperature 0.8, say",
    );
  }
  return {
    maxNewTokens: flags["max-new-tokens"] ?? defaults.maxNewTokens ?? 128,
    temperature,
    topK: flags["top-k"] ?? defaults.topK,
    topP: flags["top-p"] ?? defaults.topP,
    minP: flags["min-p"] ?? defaults.minP,
    repetitionPenalty: flags["repetition-penalty"] ?? defaults.repetitionPenalty,
    seed: flags.seed,
    stop: flags.stop ?? [],
  };
}

/** The template that `--template` names: one of ours, or a file's. */
export async function templateOf(name: string | undefined): Promise<TemplateChoice> {
  const { NAMED_TEMPLATES } = await import("../text/templates.ts");
  if (name === undefined) return "model";
  const isFile = !(name in NAMED_TEMPLATES) && /[./\\]/.test(name);
  return isFile ? { file: name } : name;
}
