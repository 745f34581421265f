/** Reads which layers see a window of positions alone. */

import type { ModelConfig } from "../config.ts";
import type { Fields } from "./fields.ts";

/** The part of a configuration that says so. */
export type WindowFields = Pick<ModelConfig, "slidingWindow" | "slidingLayers">;

/** layer_types' names of the two kinds. */
const SLIDING = "sliding_attention";
const FULL = "full_attention";

const isLayerType = (value: unknown): value is string => value === SLIDING || value === FULL;

/**
 * Reads sliding_window and layer_types.
 *
 * @param window What sliding_window means; undefined: no layer has a window.
 * @param slides Whether a layer has it, where layer_types does not say.
 */
export function windowFields(
  field: Fields,
  layers: number,
  window: number | undefined,
  slides: (layer: number) => boolean,
): WindowFields {
  const types = field.optionalLayers(
    "layer_types",
    layers,
    `"${SLIDING}" or "${FULL}"`,
    isLayerType,
  );
  const slidingLayers = Array.from(
    { length: layers },
    (_, layer) => types ? types[layer] === SLIDING : slides(layer),
  );
  if (!slidingLayers.includes(true)) return {};
  if (window === undefined) {
    if (types) throw field.bad("sliding_window", `a number, as layer_types asks for "${SLIDING}"`);
    return {};
  }
  return { slidingWindow: window, slidingLayers };
}

/** As Qwen says it: use_sliding_window, from the layer max_window_layers on. */
export function qwenWindows(field: Fields, layers: number): WindowFields {
  if (!field.flag("use_sliding_window", false)) return {};
  const first = field.index("max_window_layers", 28);
  return windowFields(
    field,
    layers,
    field.optionalCount("sliding_window"),
    (layer) => layer >= first,
  );
}
