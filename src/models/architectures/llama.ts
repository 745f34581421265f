/**
 * Llama: pre-norm blocks of rotary attention with grouped key/value heads and a gated MLP; tied and
 * untied heads, biases in attention and MLP, every rope scaling of `RopeScaling`.
 */

import { decoderConfig } from "../config/decoder.ts";
import { gatedDecoder } from "./gated_decoder.ts";

/** The Llama family. */
export const llama = gatedDecoder({
  summary: "rms norms before rotary attention and a gated silu MLP",
  parseConfig: (files) => decoderConfig(files, "llama"),
});
