/** OLMo 2: Llama with norms after each branch, not before, and norms of all queries and all keys. */

import { decoderConfig } from "../config/decoder.ts";
import { gatedDecoder } from "./gated_decoder.ts";

/** OLMo 2's models. */
export const olmo2 = gatedDecoder({
  summary: "llama with rms norms after each branch and on queries and keys as a whole",
  parseConfig: (files) => decoderConfig(files, "olmo2", { rmsNormEps: 1e-5 }),
  traits: () => ({
    norms: {
      afterAttention: "post_attention_layernorm",
      afterMlp: "post_feedforward_layernorm",
    },
    queryKeyNorms: "all",
  }),
});
