/** SmolLM3: Llama in which every fourth layer does not rotate. */

import { decoderConfig } from "../config/decoder.ts";
import { Fields } from "../config/fields.ts";
import { windowFields } from "../config/windows.ts";
import { gatedDecoder } from "./gated_decoder.ts";

const isSwitch = (value: unknown): value is 0 | 1 => value === 0 || value === 1;

/** SmolLM3's models. */
export const smollm3 = gatedDecoder({
  summary: "llama in which some layers do not rotate",
  parseConfig: (files) => {
    const field = new Fields(files.source);
    const config = decoderConfig(files, "smollm3", {
      numKeyValueHeads: 4,
      maxPositionEmbeddings: 32_768,
      ropeTheta: 2_000_000,
      tieWordEmbeddings: true,
    });
    const layers = config.numHiddenLayers;
    // Despite its name, 1 stands for a layer that rotates.
    const listed = field.optionalLayers("no_rope_layers", layers, "0 or 1", isSwitch);
    const interval = field.count("no_rope_layer_interval", 4);
    const ropeLayers = Array.from(
      { length: layers },
      (_, layer) => listed ? listed[layer] === 1 : (layer + 1) % interval !== 0,
    );
    const window = field.flag("use_sliding_window", false)
      ? field.optionalCount("sliding_window")
      : undefined;
    return {
      ...config,
      ...windowFields(field, layers, window, (layer) => !ropeLayers[layer]),
      ropeLayers,
    };
  },
});
