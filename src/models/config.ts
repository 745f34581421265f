/** A model's config.json, checked and camel-cased. */

import type { Activation } from "../ops/linear/activation.ts";

/** Rotary position scaling, as config.json's rope_scaling (or rope_parameters) says. */
export type RopeScaling =
  | { ropeType: "default" }
  | { ropeType: "linear"; factor: number }
  | {
    ropeType: "llama3";
    factor: number;
    lowFreqFactor: number;
    highFreqFactor: number;
    originalMaxPositionEmbeddings: number;
  }
  | {
    ropeType: "yarn";
    factor: number;
    betaFast: number;
    betaSlow: number;
    /** Whether the bounds of the ramp are whole numbers. */
    truncate: boolean;
    originalMaxPositionEmbeddings: number;
    /** On cosines and sines. */
    attentionFactor: number;
  }
  | {
    ropeType: "longrope";
    /** What frequencies are divided by, one each, in sequences of the original length. */
    shortFactors: readonly number[];
    /** The same in longer ones. */
    longFactors: readonly number[];
    originalMaxPositionEmbeddings: number;
    /** On cosines and sines. */
    attentionFactor: number;
  };

/**
 * What the architectures read of config.json. Fields that most of them share are always there; the
 * optional ones are those of a few, absent where a model has nothing of the kind.
 */
export interface ModelConfig {
  /** Which architecture: a key of registry.ts. */
  modelType: string;
  /** V: rows of the embedding and the head. */
  vocabSize: number;
  /** C: channels of a token. */
  hiddenSize: number;
  /** F: channels inside the MLP. */
  intermediateSize: number;
  /** Blocks. */
  numHiddenLayers: number;
  /** H: query heads. */
  numAttentionHeads: number;
  /** K: key/value heads; divides H. */
  numKeyValueHeads: number;
  /** D: channels of a head; even, not always C / H. */
  headDim: number;
  /** The longest sequence the model was made for, in tokens. */
  maxPositionEmbeddings: number;
  /** Added to the mean square, or the variance, in norms. */
  rmsNormEps: number;
  /** Base of the rotary frequencies. */
  ropeTheta: number;
  /** How the frequencies are stretched for longer sequences. */
  ropeScaling: RopeScaling;
  /** Whether the four projections of attention have biases. */
  attentionBias: boolean;
  /** Whether the three matrices of the MLP have biases. */
  mlpBias: boolean;
  /** Whether the head is the embedding matrix itself. */
  tieWordEmbeddings: boolean;
  /** Standard deviation of new weights. */
  initializerRange: number;
  /** The token that begins a text. */
  bosTokenId?: number;
  /** The tokens any of which ends a text; generation_config.json's before config.json's. */
  eosTokenIds: number[];
  /** The token that fills up batches. */
  padTokenId?: number;
  /** Of the MLP, where an architecture leaves the choice. */
  hiddenAct?: Activation;
  /** R: values of a head that are rotated, the first; absent: all. */
  rotaryDim?: number;
  /** Positions that a query sees, its own included, in the layers that slide. */
  slidingWindow?: number;
  /** Which layers see only that window. */
  slidingLayers?: readonly boolean[];
  /** Base of the rotary frequencies in the layers that slide, where it is another. */
  slidingRopeTheta?: number;
  /** Which layers rotate; absent: all that the architecture rotates. */
  ropeLayers?: readonly boolean[];
  /** Scores are divided by its root; absent: by that of headDim. */
  queryPreAttnScalar?: number;
  /** c of scores' c tanh(s / c). */
  attnLogitSoftcapping?: number;
  /** c of logits' c tanh(l / c). */
  finalLogitSoftcapping?: number;
  /** Whether queries and keys have a layer norm, head by head. */
  qkLayernorm?: boolean;
  /** Whether norms come before a block's branches, not after what they are added to. */
  doLayerNormBefore?: boolean;
  /** Channels of the embedding and the head, where they differ from hiddenSize. */
  wordEmbedProjDim?: number;
}
