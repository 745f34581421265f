/**
 * A GGUF file as a Hugging Face model: its tensors under the checkpoint's names and in the
 * checkpoint's order, its configuration, its tokenizer; and the whole written as a folder, float32,
 * one tensor in memory at a time.
 */

import { join } from "@std/path";
import { writeFileAtomic } from "../../base/atomic.ts";
import type { JsonObject } from "../../base/json.ts";
import { jsonText } from "../../base/json_text.ts";
import { type ConvertedTokenizer, tokenizerFromGguf } from "../../text/gguf/from_gguf.ts";
import { checkWeights } from "../../weights/check.ts";
import { type Gguf, openGguf } from "../../weights/gguf.ts";
import type { TensorEntry } from "../../weights/safetensors_header.ts";
import type { Weights } from "../../weights/safetensors.ts";
import { writeSafetensors } from "../../weights/write_safetensors.ts";
import { unsupportedGgufModel } from "../errors.ts";
import type { CheckedModel } from "../folder/load.ts";
import { weightsWith } from "../lora/source.ts";
import { modelTypeOf, parseConfig } from "../parse_config.ts";
import { architectureOf } from "../architectures/registry.ts";
import {
  GGUF_ARCHITECTURES,
  type GgufArchitecture,
  tensorFromGguf,
  type TensorName,
} from "./architectures.ts";
import { changedShape, type Heads, headsOf, undoChange } from "./changes.ts";
import { configFromGguf } from "./config_from_gguf.ts";

/** A GGUF file, seen as Hugging Face would have it. */
export interface GgufModel {
  /** Tensors by the checkpoint's names, row-major, as float32 when read. */
  readonly weights: Weights;
  /** The same, for `loadCausalLM`. */
  readonly checked: CheckedModel;
  /** config.json. */
  readonly config: JsonObject;
  /** generation_config.json. */
  readonly generationConfig: JsonObject;
  readonly tokenizer: ConvertedTokenizer;
}

/** Fields that transformers takes no integer for. */
const FLOATS = new Set(
  GGUF_ARCHITECTURES.flatMap(({ fields }) => fields)
    .filter(({ type }) => type === "float32").map(({ hf }) => hf),
);

/** Tensors that are said by the configuration, or that nothing needs. */
const NO_WEIGHTS = /^(rope_freqs|blk\.\d+\.attn_rot_embd)\.weight$/;

/**
 * Opens a GGUF file and checks that it holds all of a model this project has.
 *
 * @throws {OddsmithError} WeightsError as `openGguf`, MISSING_KEY, BAD_VALUE, MISSING_TENSOR,
 * WRONG_SHAPE; ModelError UNKNOWN_MODEL_TYPE, UNSUPPORTED, BAD_FIELD; TextError GGUF_TOKENIZER.
 */
export async function openGgufModel(file: string): Promise<GgufModel> {
  const gguf = await openGguf(file);
  const { arch, json } = await configFromGguf(gguf);
  const tokenizer = tokenizerFromGguf(file, gguf.metadata);
  if (tokenizer.vocabSize > (json.vocab_size as number)) {
    const reason = `it has ${tokenizer.vocabSize} tokens and ${json.vocab_size} embeddings`;
    throw unsupportedGgufModel(file, reason);
  }
  const ids: JsonObject = {
    bos_token_id: tokenizer.bosTokenId ?? null,
    eos_token_id: tokenizer.eosTokenIds[0] ?? null,
    pad_token_id: tokenizer.padTokenId ?? null,
  };
  const config = { ...json, ...ids };
  const source = { file, json: config };
  const architecture = architectureOf(modelTypeOf(source), file);
  const parsed = parseConfig(source);
  const heads = { query: parsed.numAttentionHeads, keyValue: parsed.numKeyValueHeads };
  const weights = hfView(gguf, arch, heads);
  const shapes = architecture.parameterShapes(parsed);
  const spare = checkWeights(weights, shapes);
  if (spare.length > 0) {
    throw unsupportedGgufModel(file, `${arch.modelTypes[0]} models have no tensor "${spare[0]}"`);
  }
  const generationConfig = { ...ids, eos_token_id: [...tokenizer.eosTokenIds] };
  const checked: CheckedModel = {
    config: parseConfig(source, { file, json: generationConfig }),
    architecture,
    weights,
    shapes,
    unexpected: [],
  };
  return { weights, checked, config, generationConfig, tokenizer };
}

/** A GGUF file's model as the texts of a Hugging Face folder, weights aside, by their names. */
export function folderTexts(
  { config, generationConfig, tokenizer }: Omit<GgufModel, "weights" | "checked">,
): Record<string, string> {
  return {
    "config.json": jsonText(config, FLOATS),
    "generation_config.json": jsonText(generationConfig, FLOATS),
    ...tokenizer.files,
  };
}

/** How a GGUF file is written as a folder. */
export interface ImportOptions {
  /** Folder of a PEFT adapter to merge into the weights. */
  readonly adapter?: string;
  /** Stops the writing; what is written by then stays. */
  readonly signal?: AbortSignal;
}

/**
 * Writes a GGUF file's model as a Hugging Face folder: model.safetensors in float32, config.json,
 * generation_config.json, tokenizer.json, tokenizer_config.json.
 *
 * @param dir An existing folder.
 * @throws {OddsmithError} As `openGgufModel` and `readAdapter`, before anything is written.
 */
export async function importGguf(
  file: string,
  dir: string,
  { adapter, signal }: ImportOptions = {},
): Promise<void> {
  const model = await openGgufModel(file);
  const { tensors, untied } = await weightsWith(model.checked, adapter, signal);
  const config = untied ? { ...model.config, tie_word_embeddings: false } : model.config;
  for (const [name, text] of Object.entries(folderTexts({ ...model, config }))) {
    await writeFileAtomic(join(dir, name), text);
  }
  await writeSafetensors(join(dir, "model.safetensors"), tensors);
}

/** The file's weights under the checkpoint's names. */
function hfView(gguf: Gguf, arch: GgufArchitecture, heads: Heads): Weights {
  const tensors = new Map<string, TensorEntry>();
  const names = new Map<string, TensorName>();
  for (const entry of gguf.tensors.values()) {
    if (NO_WEIGHTS.test(entry.name)) continue;
    const name = tensorFromGguf(arch, entry.name);
    if (!name) {
      throw unsupportedGgufModel(gguf.dir, `${arch.name} has no tensor "${entry.name}" here`);
    }
    checkHeads(gguf.dir, name, entry.shape, headsOf(name.gguf, heads));
    names.set(name.hf, name);
    const shape = changedShape(name.change, entry.shape);
    tensors.set(name.hf, { ...entry, name: name.hf, shape });
  }
  const read = async (hf: string): Promise<Float32Array> => {
    const { gguf: own, change } = names.get(hf)!;
    const { shape } = gguf.tensors.get(own)!;
    return undoChange(change, await gguf.read(own), shape, headsOf(own, heads));
  };
  return { dir: gguf.dir, tensors, read };
}

/** Rows that do not divide into heads are found before any is moved. */
function checkHeads(
  file: string,
  { gguf, change }: TensorName,
  shape: readonly number[],
  heads: number,
): void {
  if (change !== "rotary" || shape[0]! % (2 * heads) === 0) return;
  throw unsupportedGgufModel(file, `"${gguf}" has ${shape[0]} rows for ${heads} heads`);
}
