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

/** What a user says of the objective; a part left out is the preset's, or the training's. */
export interface ObjectiveOptions {
  /** Default: the objective a model was trained with, where that is known, else "trl". */
  preset?: OrpoPreset;
  /** Default: the one a model was trained with, where that is known, else 0.1. */
  beta?: number;
  /** Default: the preset's. */
  nllScope?: NllScope;
  /** Default: the preset's. */
  nllReduction?: NllReduction;
}

/** The weight of the odds-ratio term where nobody says one. */
export const DEFAULT_BETA = 0.1;

/**
 * Gives the objective that options ask for.
 *
 * @param trained What the model at hand was trained with: stands for what the options leave out.
 */
export function resolveObjective(
  options: ObjectiveOptions,
  trained?: OrpoObjective,
): OrpoObjective {
  const preset = options.preset === undefined && trained
    ? trained
    : PRESETS[options.preset ?? "trl"];
  return {
    beta: options.beta ?? trained?.beta ?? DEFAULT_BETA,
    nllScope: options.nllScope ?? preset.nllScope,
    nllReduction: options.nllReduction ?? preset.nllReduction,
  };
}
