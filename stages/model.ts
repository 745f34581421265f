/**
 * model: the model that a pipeline starts from, as a Hugging Face folder: one that is there, one of
 * the hub, a GGUF file converted to one, or a new one from a seed with a byte-level tokenizer. What
 * folders and files may hold: docs/models.md.
 */

import { z } from "zod";
import type { InitOptions } from "../src/models/folder/init.ts";
import { API_VERSION, defineStage, type Stage, type StageContext } from "../src/runner/contract.ts";
import { adapterDir, adapterSources, prepareAdapter } from "./adapter_source.ts";
import { type FolderDraft, modelFolder } from "./artifacts.ts";
import { isGgufPath } from "../src/models/gguf/path.ts";
import { modelConfigAtHand, modelDir, modelSources, prepareModel } from "./model_source.ts";

const size = (fallback: number) => z.int().min(1).default(fallback);

const init = z.strictObject({
  tokenizer: z.enum(["bytes"]).default("bytes").describe(
    "The tokenizer written beside the model: one token a byte, and special tokens for chats.",
  ),
  hiddenSize: size(128).describe("Channels of a token."),
  intermediateSize: z.int().min(1).optional().describe(
    "Channels inside the MLP. Default: 8/3 of hiddenSize, rounded up to a multiple of 16.",
  ),
  numHiddenLayers: size(4).describe("Blocks."),
  numAttentionHeads: size(4).describe("Query heads; their number divides hiddenSize."),
  numKeyValueHeads: z.int().min(1).optional().describe(
    "Key/value heads; their number divides numAttentionHeads. Default: numAttentionHeads.",
  ),
  maxPositionEmbeddings: size(512).describe("The longest sequence, in tokens."),
  ropeTheta: z.number().positive().default(10_000).describe("Base of the rotary frequencies."),
  rmsNormEps: z.number().positive().default(1e-5).describe("Added to the mean square in norms."),
  tieWordEmbeddings: z.boolean().default(true).describe(
    "Whether the head is the embedding matrix itself.",
  ),
  initializerRange: z.number().positive().default(0.02).describe(
    "Standard deviation of the new weights.",
  ),
}).refine((value) => value.hiddenSize % (2 * value.numAttentionHeads) === 0, {
  path: ["numAttentionHeads"],
  message: "hiddenSize must be an even multiple of numAttentionHeads",
}).refine((value) => value.numAttentionHeads % (value.numKeyValueHeads ?? 1) === 0, {
  path: ["numKeyValueHeads"],
  message: "numKeyValueHeads must divide numAttentionHeads",
});

const config = z.strictObject({
  from: z.string().min(1).optional().describe(
    "A Hugging Face model folder (config.json, *.safetensors, tokenizer.json), whose files are " +
      "copied; a GGUF file, which is converted to one; or a model of the hub: owner/name, " +
      "owner/name@revision, or a GGUF file of it: hf://owner/name@revision/file.gguf.",
  ),
  adapter: z.string().min(1).optional().describe(
    "Folder of a PEFT LoRA adapter of that model, or the adapter's repository of the hub: merged " +
      "into its weights, in float32.",
  ),
  init: init.optional().describe("A new Llama model; its weights come from the run's seed."),
}).refine((value) => (value.from === undefined) !== (value.init === undefined), {
  path: ["from"],
  message: "give either from or init",
}).refine((value) => value.adapter === undefined || value.from !== undefined, {
  path: ["adapter"],
  message: "an adapter is merged into the model of from",
});

type Config = z.output<typeof config>;
type Init = z.output<typeof init>;
type Context = StageContext<Record<never, never>, Config>;

/** Gives the model a pipeline starts from, checked whole. */
export const model: Stage<
  Record<never, never>,
  { model: typeof modelFolder },
  Config,
  z.input<typeof config>,
  "model"
> = defineStage({
  apiVersion: API_VERSION,
  name: "model",
  version: "1",
  summary: "Takes a model from a folder, a GGUF file or the hub, or makes a new one from a seed.",
  inputs: {},
  outputs: { model: modelFolder },
  config,
  sources: async ({ from, adapter }, resolvePath) => {
    if (from === undefined) return [];
    const files = await modelSources(from, resolvePath);
    return adapter === undefined
      ? files
      : [...files, ...await adapterSources(adapter, resolvePath)];
  },
  prepare: async ({ from, adapter }, context) => {
    if (from !== undefined) await prepareModel(from, context);
    if (adapter !== undefined) await prepareAdapter(adapter, context);
  },
  forecast: async ({ config, resolvePath }) => {
    const { initConfig } = await import("../src/models/folder/init.ts");
    const json = config.init
      ? initConfig(await initOptions(config.init))
      : await modelConfigAtHand(config.from!, resolvePath);
    return json ? { outputs: { model: { config: json } } } : {};
  },
  run: async (ctx) => {
    ctx.signal.throwIfAborted();
    return { model: ctx.config.init ? makeModel(ctx.config.init, ctx) : await takeModel(ctx) };
  },
});

export default model;

async function takeModel(ctx: Context): Promise<FolderDraft> {
  const { loadTokenizer } = await import("../src/text/tokenizer.ts");
  const { writeModelFiles } = await import("../src/models/gguf/model_files.ts");
  const { from, adapter } = ctx.config;
  const path = await modelDir(from!, ctx);
  const files = { path, adapter: adapter && await adapterDir(adapter, ctx) };
  const isGguf = isGgufPath(path);
  if (!isGguf) {
    await recordModel(path, ctx);
    // Whoever reads the artifact needs its tokenizer: a fault is to be told with the folder's name.
    await loadTokenizer(path);
  }
  return async (dir) => {
    await writeModelFiles(files, dir, ctx.signal);
    if (isGguf) await recordModel(dir, ctx);
  };
}

function makeModel(options: Init, ctx: Context): FolderDraft {
  return async (dir) => {
    const { join } = await import("@std/path");
    const { initModel } = await import("../src/models/folder/init.ts");
    const { byteTokenizerFiles } = await import("../src/text/byte_tokenizer.ts");
    await initModel(dir, await initOptions(options), ctx.seed);
    for (const [name, text] of Object.entries(byteTokenizerFiles())) {
      await Deno.writeTextFile(join(dir, name), text);
    }
    await recordModel(dir, ctx);
  };
}

/** A new model's sizes, with those that follow from others and from its tokenizer. */
async function initOptions(options: Init): Promise<InitOptions> {
  const { BYTE_SPECIAL_TOKENS, BYTE_VOCAB_SIZE } = await import("../src/text/byte_tokenizer.ts");
  const idOf = (token: typeof BYTE_SPECIAL_TOKENS[number]): number =>
    BYTE_VOCAB_SIZE - BYTE_SPECIAL_TOKENS.length + BYTE_SPECIAL_TOKENS.indexOf(token);
  return {
    ...options,
    intermediateSize: options.intermediateSize ?? Math.ceil(options.hiddenSize / 6) * 16,
    numKeyValueHeads: options.numKeyValueHeads ?? options.numAttentionHeads,
    vocabSize: BYTE_VOCAB_SIZE,
    bosTokenId: idOf("<|bos|>"),
    eosTokenId: idOf("<|eos|>"),
    padTokenId: idOf("<|pad|>"),
  };
}

/** Checks a model folder by its headers and says in the manifest what it is. */
async function recordModel(dir: string, ctx: Context): Promise<void> {
  const { checkModelFolder } = await import("../src/models/folder/load.ts");
  const { config, weights, shapes, unexpected } = await checkModelFolder(dir);
  if (unexpected.length > 0) {
    ctx.log(`the model does not use ${unexpected.length} tensors, e.g. ${unexpected[0]}`, "warn");
  }
  const names = [...shapes.keys()];
  const entries = names.map((name) => weights.tensors.get(name)!);
  const count = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);
  ctx.record({
    modelType: config.modelType,
    parameters: entries.reduce((sum, { shape }) => sum + count(shape), 0),
    dtypes: [...new Set(entries.map(({ dtype }) => dtype))].sort(),
    vocabSize: config.vocabSize,
    hiddenSize: config.hiddenSize,
    layers: config.numHiddenLayers,
    maxPositionEmbeddings: config.maxPositionEmbeddings,
  });
}
