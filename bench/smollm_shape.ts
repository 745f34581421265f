/** A model with the sizes of SmolLM2-135M and drawn weights, for benchmarks. */

import { initModel, type InitOptions } from "../src/models/folder/init.ts";
import { loadCausalLM, type LoadOptions } from "../src/models/folder/load.ts";
import type { CausalLM } from "../src/models/model.ts";

/** Sizes as in config.json; 134.5 million weights. */
export const SMOLLM_SHAPE = {
  vocabSize: 49152,
  hiddenSize: 576,
  intermediateSize: 1536,
  numHiddenLayers: 30,
  numAttentionHeads: 9,
  numKeyValueHeads: 3,
  maxPositionEmbeddings: 8192,
  ropeTheta: 100000,
  rmsNormEps: 1e-5,
  tieWordEmbeddings: true,
  initializerRange: 0.041666666666666664,
  bosTokenId: 1,
  eosTokenId: 2,
  padTokenId: 2,
} as const;

/** Makes the model on the current device. */
export async function smollmShaped(
  change: Partial<InitOptions> = {},
  options: LoadOptions = {},
): Promise<CausalLM> {
  const dir = await Deno.makeTempDir();
  try {
    await initModel(dir, { ...SMOLLM_SHAPE, ...change }, "bench/smollm");
    return await loadCausalLM(dir, options);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}
