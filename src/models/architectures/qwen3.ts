/** Qwen3: Llama with an rms norm on each head's queries and keys. */

import { decoderConfig } from "../config/decoder.ts";
import { Fields } from "../config/fields.ts";
import { qwenWindows } from "../config/windows.ts";
import { gatedDecoder } from "./gated_decoder.ts";

/** Qwen3's dense models. */
export const qwen3 = gatedDecoder({
  summary: "llama with an rms norm on each head's queries and keys",
  parseConfig: (files) => {
    const config = decoderConfig(files, "qwen3", {
      numKeyValueHeads: 32,
      headDim: 128,
      maxPositionEmbeddings: 32_768,
    });
    return { ...config, ...qwenWindows(new Fields(files.source), config.numHiddenLayers) };
  },
  traits: () => ({ queryKeyNorms: "head" }),
});
