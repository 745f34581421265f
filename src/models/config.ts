/** A model's config.json, checked and camel-cased. */

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
  };

/** The part of config.json the Llama family reads. */
export interface ModelConfig {
  /** Which architecture: "llama". */
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
  /** Added to the mean square in norms. */
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
}
