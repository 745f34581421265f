/**
 * Which ORPO is meant: what the NLL covers, over what it is averaged, and the presets that name
 * the choices of the known trainers. No tensors here.
 */

/** What the NLL of the chosen answer covers: its own tokens, or the prompt's too. */
export type NllScope = "response" | "all";

/** What the NLL is a mean over: all tokens of the optimizer step pooled, or examples. */
export type NllReduction = "token" | "example";

/** A known trainer whose NLL is followed. */
export type OrpoPreset = "trl" | "official" | "llamafactory" | "paper";

/** The loss, fully said. */
export interface OrpoObjective {
  /** Weight of the odds-ratio term, >= 0; 0 trains on the chosen answers alone (SFT). */
  beta: number;
  /** Which tokens of prompt + chosen the NLL covers. */
  nllScope: NllScope;
  /** What the NLL is a mean over. */
  nllReduction: NllReduction;
}

/**
 * What each preset stands for. They also differ in how they compute log(1 - P): the authors' and
 * LLaMA-Factory's log1p(-exp(x)) is -Infinity where an answer is certain, TRL's can give a NaN
 * gradient there. The form used here agrees with all of them elsewhere and is finite there.
 */
const PRESETS: Readonly<Record<OrpoPreset, Omit<OrpoObjective, "beta">>> = {
  trl: { nllScope: "all", nllReduction: "token" },
  official: { nllScope: "all", nllReduction: "token" },
  llamafactory: { nllScope: "response", nllReduction: "example" },
  paper: { nllScope: "response", nllReduction: "example" },
};

/** Gives the objective that options ask for: the preset's choices, where nothing is said outright. */
export function resolveObjective(options: {
  preset: OrpoPreset;
  beta: number;
  nllScope?: NllScope;
  nllReduction?: NllReduction;
}): OrpoObjective {
  const preset = PRESETS[options.preset];
  return {
    beta: options.beta,
    nllScope: options.nllScope ?? preset.nllScope,
    nllReduction: options.nllReduction ?? preset.nllReduction,
  };
}
