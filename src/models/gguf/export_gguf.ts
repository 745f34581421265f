/**
 * Writes a Hugging Face model folder as a GGUF file that llama.cpp loads: weights, configuration,
 * tokenizer and chat template. One tensor is in memory at a time; the file is whole or absent.
 */

import { basename, resolve } from "@std/path";
import { tokenizerToGguf } from "../../text/gguf/to_gguf.ts";
import type { GgufOutDtype } from "../../weights/gguf_quantize.ts";
import { GGUF_TENSOR_TYPES, type GgufField, type GgufMetadata } from "../../weights/gguf_types.ts";
import { type GgufTensorSource, writeGguf } from "../../weights/write_gguf.ts";
import { withoutPrefix } from "../folder/checkpoint_names.ts";
import type { ModelConfig } from "../config.ts";
import { noModel, notInGgufModel } from "../errors.ts";
import { readJson } from "../folder/files.ts";
import { type CheckedModel, checkModelFolder } from "../folder/load.ts";
import { GGUF_ARCHITECTURES, type GgufArchitecture, tensorFromHf } from "./architectures.ts";
import { changedShape, headsOf, makeChange } from "./changes.ts";
import { configToGguf } from "./config_to_gguf.ts";
import { ropeFactors } from "./rope_factors.ts";

/** How to write a GGUF file. */
export interface GgufExportOptions {
  /**
   * The matrices' numbers. Vectors (norms, biases) are float32 in every file; Q8_0 takes rows of a
   * multiple of 32, others are written as F16. Default F16.
   */
  readonly dtype?: GgufOutDtype;
  /** general.name. Default: the folder's name. */
  readonly name?: string;
  /** Stops the writing; no file is left. */
  readonly signal?: AbortSignal;
}

/** What was written. */
export interface GgufExport {
  readonly file: string;
  /** llama.cpp's name of the architecture. */
  readonly architecture: string;
  /** Tensors by the type they were written as. */
  readonly tensors: Readonly<Partial<Record<GgufOutDtype, number>>>;
}

/** llama.cpp's numbers for what most of a file's tensors are. */
const FILE_TYPES: Readonly<Record<GgufOutDtype, number>> = { F32: 0, F16: 1, Q8_0: 7, BF16: 32 };
const QUANTIZATION_VERSION = 2;

/** A GGUF file that is to be written. */
export interface GgufPlan {
  /** llama.cpp's name of the architecture. */
  readonly architecture: string;
  readonly metadata: GgufMetadata;
  readonly tensors: ReadonlyMap<string, GgufTensorSource>;
}

/**
 * Writes `file` from a model folder.
 *
 * @throws {OddsmithError} ModelError NOT_IN_GGUF, TextError NOT_IN_GGUF for what llama.cpp does not
 * have; WeightsError OUT_OF_RANGE for numbers the type cannot hold; and as `checkModelFolder`.
 */
export async function exportGguf(
  modelDir: string,
  file: string,
  options: GgufExportOptions = {},
): Promise<GgufExport> {
  const { architecture, metadata, tensors } = await planGguf(modelDir, options);
  await writeGguf(file, metadata, tensors);
  const counts: Partial<Record<GgufOutDtype, number>> = {};
  for (const { dtype } of tensors.values()) counts[dtype] = (counts[dtype] ?? 0) + 1;
  return { file, architecture, tensors: counts };
}

/**
 * Gives what `exportGguf` writes; a tensor's values are read when they are asked for.
 *
 * @throws {OddsmithError} As `exportGguf`, but OUT_OF_RANGE.
 */
export async function planGguf(
  modelDir: string,
  options: GgufExportOptions = {},
): Promise<GgufPlan> {
  const { dtype = "F16", name = basename(resolve(modelDir)), signal } = options;
  const checked = await checkModelFolder(modelDir);
  const source = await readJson(modelDir, "config.json");
  if (!source) throw noModel(modelDir);
  const { config } = checked;
  const arch = GGUF_ARCHITECTURES.find(({ modelTypes }) => modelTypes.includes(config.modelType));
  if (!arch) throw notInGgufModel(source.file, `no rule for "${config.modelType}" models`);
  const text = (value: string): GgufField => ({ type: "string", value });
  const number = (value: number): GgufField => ({ type: "uint32", value });
  const metadata = new Map<string, GgufField>([
    ["general.architecture", text(arch.name)],
    ["general.type", text("model")],
    ["general.name", text(name)],
    ["general.file_type", number(FILE_TYPES[dtype])],
    ["general.quantization_version", number(QUANTIZATION_VERSION)],
    ...configToGguf(arch, source, config),
    ...await tokenizerToGguf(modelDir, config.vocabSize),
  ]);
  const tensors = tensorSources(arch, checked, dtype, signal);
  return { architecture: arch.name, metadata, tensors };
}

function tensorSources(
  arch: GgufArchitecture,
  { config, architecture, weights, shapes }: CheckedModel,
  dtype: GgufOutDtype,
  signal: AbortSignal | undefined,
): Map<string, GgufTensorSource> {
  const heads = { query: config.numAttentionHeads, keyValue: config.numKeyValueHeads };
  const sources = new Map<string, GgufTensorSource>(extraTensors(arch, config));
  for (const [hf, shape] of architecture.parameterShapes(config)) {
    const name = tensorFromHf(arch, hf);
    if (!name) throw notInGgufModel(weights.dir, `llama.cpp's "${arch.name}" has no "${hf}"`);
    const written = changedShape(name.change, shape);
    const stored = shapes.has(hf) ? hf : withoutPrefix(hf, architecture.basePrefix ?? "");
    sources.set(name.gguf, {
      dtype: tensorDtype(name.gguf, written, dtype),
      shape: written,
      values: async () => {
        signal?.throwIfAborted();
        const values = await weights.read(stored);
        return makeChange(name.change, values, shape, headsOf(name.gguf, heads));
      },
    });
  }
  return sources;
}

function tensorDtype(
  name: string,
  shape: readonly number[],
  dtype: GgufOutDtype,
): GgufOutDtype {
  // llama.cpp adds positions and vectors in float32 and takes no other type for them.
  if (shape.length < 2 || name === "position_embd.weight") return "F32";
  return shape.at(-1)! % GGUF_TENSOR_TYPES[dtype].blockSize === 0 ? dtype : "F16";
}

/** Tensors that Hugging Face has as configuration. */
function extraTensors(
  { name }: GgufArchitecture,
  { ropeScaling, ropeTheta, headDim }: ModelConfig,
): [string, GgufTensorSource][] {
  if (name === "gpt2" || ropeScaling.ropeType !== "llama3") return [];
  const factors = ropeFactors(ropeScaling, ropeTheta, headDim);
  return [["rope_freqs.weight", {
    dtype: "F32",
    shape: [factors.length],
    values: () => factors,
  }]];
}
