/** Mistral: Llama with a sliding window in every layer, and no biases. */

import { decoderConfig } from "../config/decoder.ts";
import { Fields } from "../config/fields.ts";
import { windowFields } from "../config/windows.ts";
import { gatedDecoder } from "./gated_decoder.ts";

/** Mistral's dense models. */
export const mistral = gatedDecoder({
  summary: "llama with a sliding window in every layer",
  parseConfig: (files) => {
    const field = new Fields(files.source);
    const config = decoderConfig(files, "mistral", {
      numKeyValueHeads: 8,
      maxPositionEmbeddings: 131_072,
    });
    const { json } = files.source;
    // Left out it is 4096; null says that there is none.
    const window = "sliding_window" in json ? field.optionalCount("sliding_window") : 4096;
    return { ...config, ...windowFields(field, config.numHiddenLayers, window, () => true) };
  },
  traits: () => ({ queryKeyValueBias: false, outputBias: false }),
});
