/** The options of exports, which the stage and the verb share, and the settings they stand for. */

import { z } from "zod";
import { parseByteSize } from "../src/base/byte_size.ts";
import type { BaseModel } from "../src/models/export/adapter.ts";
import type { ExportSettings } from "../src/models/export/export_model.ts";

const format = z.enum(["huggingface", "adapter", "gguf"]);
const ggufType = z.enum(["F32", "F16", "BF16", "Q8_0"]);

const oneOrMore = <T extends z.ZodType>(one: T) =>
  z.union([one, z.array(one).min(1)]).transform((
    given,
  ) => [...new Set((Array.isArray(given) ? given : [given]) as z.output<T>[])]);

/** Their schemas. */
export const exportOptions = {
  format: oneOrMore(format).default(["huggingface"]).describe(
    'What to write, one or several: "huggingface" (a model folder), "adapter" (PEFT\'s, of a model ' +
      'trained with lora), "gguf" (for llama.cpp). Default huggingface.',
  ),
  dtype: z.enum(["float32", "float16", "bfloat16"]).default("float32").describe(
    "Numbers of the model folder and of the adapter; rounded to the nearest, to even.",
  ),
  maxShardSize: z.union([z.string(), z.int().min(1)]).transform((size, context) => {
    const bytes = parseByteSize(size);
    if (bytes !== undefined) return bytes;
    context.issues.push({ code: "custom", message: 'expected a size such as "5GB"', input: size });
    return z.NEVER;
  }).default(5e9).describe(
    'Most bytes of weights in one file of the model folder, e.g. "500MB". Default "5GB".',
  ),
  ggufType: oneOrMore(ggufType).default(["F16"]).describe(
    "Numbers of the GGUF files' matrices, a file each: F32, F16, BF16, Q8_0. Default F16.",
  ),
  name: z.string().trim().min(1).optional().describe(
    "The model's name, in its card and in GGUF files. Default: the pipeline's name.",
  ),
  baseModel: z.string().regex(
    /^\w[\w.-]*\/\w[\w.-]*(@[^\s@]+)?$/,
    "expected owner/name or owner/name@revision",
  )
    .optional()
    .describe(
      "The hub's name of the model that training started from, owner/name@revision, for card and " +
        "adapter. Default: the model stage's repository.",
    ),
  license: z.string().trim().min(1).optional().describe(
    "License of the card, as the hub names it, e.g. apache-2.0. Default: none is said.",
  ),
};

/** The options, resolved. */
export type ExportOptions = z.output<z.ZodObject<typeof exportOptions>>;

/** What the options ask for, of a model of this name. */
export function exportSettings(
  options: ExportOptions,
  name: string,
  base: BaseModel | undefined,
): ExportSettings {
  return {
    formats: options.format,
    dtype: options.dtype,
    maxShardSize: options.maxShardSize,
    ggufTypes: options.ggufType,
    name: options.name ?? name,
    base,
  };
}
