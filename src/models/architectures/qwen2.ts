/** Qwen2 and 2.5: Llama with biases on q, k and v, and a sliding window in the later layers. */

import { decoderConfig } from "../config/decoder.ts";
import { Fields } from "../config/fields.ts";
import { qwenWindows } from "../config/windows.ts";
import { gatedDecoder } from "./gated_decoder.ts";

/** Qwen2's dense models. */
export const qwen2 = gatedDecoder({
  summary: "llama with biases on q, k and v",
  parseConfig: (files) => {
    const config = decoderConfig(files, "qwen2", {
      numKeyValueHeads: 32,
      maxPositionEmbeddings: 32_768,
    });
    return { ...config, ...qwenWindows(new Fields(files.source), config.numHiddenLayers) };
  },
  traits: () => ({ queryKeyValueBias: true, outputBias: false }),
});
