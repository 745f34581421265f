/**
 * GPT-2: learned positions, pre-norm blocks with layer norms and biases everywhere, an MLP without a
 * gate, a tied head. Its matrices are stored [in, out], and q, k and v in one.
 */

import { embeddingLayer } from "../../ops/embedding/embedding_layer.ts";
import { linearLayer } from "../../ops/linear/linear_layer.ts";
import { mlp } from "../../ops/linear/mlp.ts";
import { positionEmbedding } from "../../ops/embedding/position_embedding.ts";
import { residual } from "../../ops/residual.ts";
import { splitColumns } from "../../ops/linear/split_columns.ts";
import type { PackedMatrix } from "../../tensor/packed_matrix.ts";
import type { tf } from "../../tensor/tf.ts";
import type { Architecture, Blocks, Surroundings } from "../architecture.ts";
import type { ModelConfig } from "../config.ts";
import { type ConfigFiles, refuseQuantized, tokenFields } from "../config/decoder.ts";
import { Fields } from "../config/fields.ts";
import type { Parameters } from "../parameters.ts";
import { ShapeList } from "../shape_list.ts";
import {
  byHead,
  joinHeads,
  namedLayerNorm,
  NO_ROPE,
  UNGATED_ACTIVATIONS,
} from "./ungated_parts.ts";

const EMBEDDING = "transformer.wte.weight";
const POSITIONS = "transformer.wpe.weight";
const FINAL_NORM = "transformer.ln_f";
const HEAD = "lm_head.weight";

/** GPT-2, and minGPT's models under its names. */
export const gpt2: Architecture = {
  summary: "learned positions, layer norms, an MLP without a gate",
  basePrefix: "transformer.",
  isTransposed: true,
  parseConfig,
  parameterShapes,
  // Older checkpoints store the causal mask with each layer.
  isIgnored: (name) => name === HEAD || /(^|\.)h\.\d+\.attn\.(masked_)?bias$/.test(name),
  blocks: (config, parameters) => new Gpt2Blocks(config, parameters),
};

function parseConfig({ source, generation }: ConfigFiles): ModelConfig {
  const field = new Fields(source);
  refuseQuantized(source);
  field.only("add_cross_attention", false);
  field.only("scale_attn_weights", true);
  field.only("scale_attn_by_inverse_layer_idx", false);
  const hiddenSize = field.count("n_embd");
  const heads = field.count("n_head");
  if (hiddenSize % heads !== 0) {
    throw field.bad("n_head", `a divisor of n_embd (${hiddenSize})`, heads);
  }
  return {
    modelType: "gpt2",
    vocabSize: field.count("vocab_size"),
    hiddenSize,
    intermediateSize: field.count("n_inner", 4 * hiddenSize),
    numHiddenLayers: field.layers("n_layer"),
    numAttentionHeads: heads,
    numKeyValueHeads: heads,
    headDim: hiddenSize / heads,
    maxPositionEmbeddings: field.count("n_positions", 1024),
    rmsNormEps: field.positive("layer_norm_epsilon", 1e-5),
    ...NO_ROPE,
    attentionBias: true,
    mlpBias: true,
    tieWordEmbeddings: field.flag("tie_word_embeddings", true),
    initializerRange: field.positive("initializer_range", 0.02),
    ...tokenFields(field, generation),
    hiddenAct: field.activation("activation_function", "gelu_new", UNGATED_ACTIVATIONS),
  };
}

function parameterShapes(config: ModelConfig): Map<string, number[]> {
  const { hiddenSize: C, intermediateSize: F, vocabSize: V } = config;
  const shapes = new ShapeList();
  const addTransposed = (name: string, inner: number, outer: number) => {
    shapes.add(`${name}.weight`, [inner, outer]);
    shapes.add(`${name}.bias`, [outer]);
  };
  shapes.add(EMBEDDING, [V, C]);
  shapes.add(POSITIONS, [config.maxPositionEmbeddings, C]);
  for (let i = 0; i < config.numHiddenLayers; i++) {
    const layer = layerPrefix(i);
    shapes.addLayerNorm(`${layer}.ln_1`, C);
    addTransposed(`${layer}.attn.c_attn`, C, 3 * C);
    addTransposed(`${layer}.attn.c_proj`, C, C);
    shapes.addLayerNorm(`${layer}.ln_2`, C);
    addTransposed(`${layer}.mlp.c_fc`, C, F);
    addTransposed(`${layer}.mlp.c_proj`, F, C);
  }
  shapes.addLayerNorm(FINAL_NORM, C);
  if (!config.tieWordEmbeddings) shapes.add(HEAD, [V, C]);
  return shapes.byName;
}

function layerPrefix(layer: number): string {
  return `transformer.h.${layer}`;
}

class Gpt2Blocks implements Blocks {
  readonly ropes = [];

  constructor(readonly config: ModelConfig, readonly parameters: Parameters) {}

  embed(inputIds: Int32Array, positions: Int32Array): tf.Tensor2D {
    return residual(
      embeddingLayer(this.parameters.embedding(EMBEDDING), inputIds),
      positionEmbedding(this.parameters.matrix(POSITIONS), positions),
    );
  }

  block(x: tf.Tensor2D, layer: number, { attend }: Surroundings): tf.Tensor2D {
    const { hiddenSize: C, numAttentionHeads: H } = this.config;
    const weights = (name: string) =>
      this.parameters.transposedLinear(`${layerPrefix(layer)}.${name}`);
    const norm = (y: tf.Tensor2D, name: string) =>
      namedLayerNorm(y, `${layerPrefix(layer)}.${name}`, this.parameters, this.config);
    const joined = linearLayer(norm(x, "ln_1"), weights("attn.c_attn"));
    const [q, k, v] = splitColumns(joined, [C, C, C] as const);
    const mixed = joinHeads(attend(layer, byHead(q, H), byHead(k, H), byHead(v, H)));
    const attended = residual(x, linearLayer(mixed, weights("attn.c_proj")));
    const inner = { up: weights("mlp.c_fc"), down: weights("mlp.c_proj") };
    return residual(attended, mlp(norm(attended, "ln_2"), inner, this.config.hiddenAct!));
  }

  finish(x: tf.Tensor2D): tf.Tensor2D {
    return namedLayerNorm(x, FINAL_NORM, this.parameters, this.config);
  }

  headWeight(): tf.Tensor2D | PackedMatrix {
    return this.parameters.weight(this.config.tieWordEmbeddings ? EMBEDDING : HEAD);
  }
}
