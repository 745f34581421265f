/**
 * OPT: learned positions from row 2 on, layer norms before or after each branch, biases, an MLP
 * without a gate, a tied head; embeddings that are narrower than the blocks are projected in and
 * out.
 */

import { embeddingLayer } from "../../ops/embedding/embedding_layer.ts";
import { linearLayer } from "../../ops/linear/linear_layer.ts";
import { mlp } from "../../ops/linear/mlp.ts";
import { positionEmbedding } from "../../ops/embedding/position_embedding.ts";
import { residual } from "../../ops/residual.ts";
import type { PackedMatrix } from "../../tensor/packed_matrix.ts";
import { tf } from "../../tensor/tf.ts";
import type { Architecture, Blocks, Surroundings } from "../architecture.ts";
import type { ModelConfig } from "../config.ts";
import { type ConfigFiles, headSizes, refuseQuantized, tokenFields } from "../config/decoder.ts";
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

const EMBEDDING = "model.decoder.embed_tokens.weight";
const POSITIONS = "model.decoder.embed_positions.weight";
const PROJECT_IN = "model.decoder.project_in";
const PROJECT_OUT = "model.decoder.project_out";
const FINAL_NORM = "model.decoder.final_layer_norm";
const HEAD = "lm_head.weight";

/** Rows of the position embedding before the first position's. */
const OFFSET = 2;
/** What torch's layer norm has where nobody says another. */
const EPSILON = 1e-5;

/** OPT, and Galactica's models of its kind. */
export const opt: Architecture = {
  summary: "learned positions, layer norms, an MLP without a gate, relu",
  basePrefix: "model.",
  parseConfig,
  parameterShapes,
  isIgnored: (name) => name === HEAD,
  blocks: (config, parameters) => new OptBlocks(config, parameters),
};

function parseConfig({ source, generation }: ConfigFiles): ModelConfig {
  const field = new Fields(source);
  refuseQuantized(source);
  field.only("layer_norm_elementwise_affine", true);
  const sizes = headSizes(field);
  const wordEmbedProjDim = field.count("word_embed_proj_dim", sizes.hiddenSize);
  const doLayerNormBefore = field.flag("do_layer_norm_before", true);
  if (doLayerNormBefore) field.only("_remove_final_layer_norm", false);
  const bias = field.flag("enable_bias", true);
  return {
    modelType: "opt",
    vocabSize: field.count("vocab_size"),
    ...sizes,
    intermediateSize: field.count("ffn_dim"),
    numHiddenLayers: field.layers("num_hidden_layers"),
    maxPositionEmbeddings: field.count("max_position_embeddings", 2048),
    rmsNormEps: EPSILON,
    ...NO_ROPE,
    attentionBias: bias,
    mlpBias: bias,
    tieWordEmbeddings: field.flag("tie_word_embeddings", true),
    initializerRange: field.positive("init_std", 0.02),
    ...tokenFields(field, generation),
    hiddenAct: field.activation("activation_function", "relu", UNGATED_ACTIVATIONS),
    doLayerNormBefore,
    ...(wordEmbedProjDim === sizes.hiddenSize ? {} : { wordEmbedProjDim }),
  };
}

function parameterShapes(config: ModelConfig): Map<string, number[]> {
  const { hiddenSize: C, intermediateSize: F, vocabSize: V, wordEmbedProjDim: W = C } = config;
  const shapes = new ShapeList();
  shapes.add(EMBEDDING, [V, W]);
  shapes.add(POSITIONS, [config.maxPositionEmbeddings + OFFSET, C]);
  if (W !== C) {
    shapes.addLinear(PROJECT_IN, W, C, false);
    shapes.addLinear(PROJECT_OUT, C, W, false);
  }
  for (let i = 0; i < config.numHiddenLayers; i++) {
    const layer = layerPrefix(i);
    for (const name of ["q_proj", "k_proj", "v_proj", "out_proj"]) {
      shapes.addLinear(`${layer}.self_attn.${name}`, C, C, config.attentionBias);
    }
    shapes.addLayerNorm(`${layer}.self_attn_layer_norm`, C);
    shapes.addLinear(`${layer}.fc1`, C, F, config.mlpBias);
    shapes.addLinear(`${layer}.fc2`, F, C, config.mlpBias);
    shapes.addLayerNorm(`${layer}.final_layer_norm`, C);
  }
  if (config.doLayerNormBefore) shapes.addLayerNorm(FINAL_NORM, C);
  if (!config.tieWordEmbeddings) shapes.add(HEAD, [V, W]);
  return shapes.byName;
}

function layerPrefix(layer: number): string {
  return `model.decoder.layers.${layer}`;
}

class OptBlocks implements Blocks {
  readonly ropes = [];

  constructor(readonly config: ModelConfig, readonly parameters: Parameters) {}

  embed(inputIds: Int32Array, positions: Int32Array): tf.Tensor2D {
    const tokens = embeddingLayer(this.parameters.embedding(EMBEDDING), inputIds);
    return residual(
      this.#project(tokens, PROJECT_IN),
      positionEmbedding(this.parameters.matrix(POSITIONS), positions, OFFSET),
    );
  }

  block(x: tf.Tensor2D, layer: number, around: Surroundings): tf.Tensor2D {
    const prefix = layerPrefix(layer);
    const weights = (name: string) => this.parameters.linear(`${prefix}.${name}`);
    const attention = (y: tf.Tensor2D) => this.#attention(y, layer, around);
    const inner = { up: weights("fc1"), down: weights("fc2") };
    const feedForward = (y: tf.Tensor2D) => mlp(y, inner, this.config.hiddenAct!);
    const attended = this.#branch(x, attention, `${prefix}.self_attn_layer_norm`);
    return this.#branch(attended, feedForward, `${prefix}.final_layer_norm`);
  }

  finish(x: tf.Tensor2D): tf.Tensor2D {
    const { doLayerNormBefore } = this.config;
    const normed = doLayerNormBefore ? this.#norm(x, FINAL_NORM) : tf.clone(x);
    return this.#project(normed, PROJECT_OUT);
  }

  headWeight(): tf.Tensor2D | PackedMatrix {
    return this.parameters.weight(this.config.tieWordEmbeddings ? EMBEDDING : HEAD);
  }

  #branch(x: tf.Tensor2D, branch: (x: tf.Tensor2D) => tf.Tensor2D, norm: string): tf.Tensor2D {
    return this.config.doLayerNormBefore
      ? residual(x, branch(this.#norm(x, norm)))
      : this.#norm(residual(x, branch(x)), norm);
  }

  #attention(x: tf.Tensor2D, layer: number, { attend }: Surroundings): tf.Tensor2D {
    const weights = (name: string) =>
      this.parameters.linear(`${layerPrefix(layer)}.self_attn.${name}`);
    const heads = (name: string) =>
      byHead(linearLayer(x, weights(name)), this.config.numAttentionHeads);
    const mixed = attend(layer, heads("q_proj"), heads("k_proj"), heads("v_proj"));
    return linearLayer(joinHeads(mixed), weights("out_proj"));
  }

  #norm(x: tf.Tensor2D, name: string): tf.Tensor2D {
    return namedLayerNorm(x, name, this.parameters, this.config);
  }

  #project(x: tf.Tensor2D, name: string): tf.Tensor2D {
    const narrow = this.config.wordEmbedProjDim !== undefined;
    return narrow ? linearLayer(x, this.parameters.linear(name)) : x;
  }
}
