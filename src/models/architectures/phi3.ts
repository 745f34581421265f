/**
 * Phi-3, 3.5 and 4-mini: Llama with q, k and v in one matrix, gate and up in another, a sliding
 * window in every layer, LongRoPE, and in some a part of each head that is not rotated.
 */

import { decoderConfig } from "../config/decoder.ts";
import { Fields } from "../config/fields.ts";
import { windowFields } from "../config/windows.ts";
import { gatedDecoder } from "./gated_decoder.ts";

/** Phi-3's dense models. */
export const phi3 = gatedDecoder({
  summary: "llama with joined matrices, a sliding window and LongRoPE",
  parseConfig: (files) => {
    const field = new Fields(files.source);
    const config = decoderConfig(files, "phi3", {
      maxPositionEmbeddings: 4096,
      rmsNormEps: 1e-5,
      partialRotaryFactor: 1,
    });
    const window = field.optionalCount("sliding_window");
    return { ...config, ...windowFields(field, config.numHiddenLayers, window, () => true) };
  },
  traits: () => ({ joined: true, queryKeyValueBias: false, outputBias: false }),
});
