/** Gemma 2: norms before and after each branch, soft caps on scores and logits, every other layer slides. */

import { gemmaConfig, gemmaTraits } from "./gemma.ts";
import { gatedDecoder } from "./gated_decoder.ts";

/** Gemma 2's models. */
export const gemma2 = gatedDecoder({
  summary: "norms before and after each branch, gelu gates, soft caps, sliding layers",
  parseConfig: (files) =>
    gemmaConfig(files, "gemma2", {
      maxPositionEmbeddings: 8192,
      ropeTheta: 10_000,
      attnLogitSoftcapping: 50,
      finalLogitSoftcapping: 30,
      slides: (layer) => layer % 2 === 0,
    }),
  traits: gemmaTraits,
});
