/**
 * Phi 1, 1.5 and 2: blocks whose attention and MLP both read one layer norm of the stream, biases
 * everywhere and on the head, rotation of a part of each head, an MLP without a gate.
 */

import { embeddingLayer } from "../../ops/embedding/embedding_layer.ts";
import { linearLayer } from "../../ops/linear/linear_layer.ts";
import { mlp } from "../../ops/linear/mlp.ts";
import { residual } from "../../ops/residual.ts";
import type { PackedMatrix } from "../../tensor/packed_matrix.ts";
import { tf } from "../../tensor/tf.ts";
import type { Architecture, Blocks, Surroundings } from "../architecture.ts";
import type { ModelConfig } from "../config.ts";
import { type ConfigFiles, headSizes, refuseQuantized, tokenFields } from "../config/decoder.ts";
import { Fields } from "../config/fields.ts";
import { ropeFields } from "../config/rope.ts";
import type { Parameters } from "../parameters.ts";
import { globalRope } from "./rotary_layers.ts";
import { ShapeList } from "../shape_list.ts";
import { byHead, joinHeads, namedLayerNorm, UNGATED_ACTIVATIONS } from "./ungated_parts.ts";

const EMBEDDING = "model.embed_tokens.weight";
const FINAL_NORM = "model.final_layernorm";
const HEAD = "lm_head";

/** Phi before Phi-3. */
export const phi: Architecture = {
  summary: "attention and an MLP without a gate side by side, layer norms, partial rotation",
  parseConfig,
  parameterShapes,
  isIgnored: (name) => name === `${HEAD}.weight` || name.endsWith(".rotary_emb.inv_freq"),
  blocks: (config, parameters) => new PhiBlocks(config, parameters),
};

function parseConfig({ source, generation }: ConfigFiles): ModelConfig {
  const field = new Fields(source);
  refuseQuantized(source);
  const sizes = headSizes(field);
  const maxPositionEmbeddings = field.count("max_position_embeddings", 2048);
  return {
    modelType: "phi",
    vocabSize: field.count("vocab_size"),
    ...sizes,
    intermediateSize: field.count("intermediate_size"),
    numHiddenLayers: field.layers("num_hidden_layers"),
    maxPositionEmbeddings,
    rmsNormEps: field.positive("layer_norm_eps", 1e-5),
    ...ropeFields(source, {
      headDim: sizes.headDim,
      maxPositionEmbeddings,
      partialRotaryFactor: 0.5,
    }),
    attentionBias: true,
    mlpBias: true,
    tieWordEmbeddings: field.flag("tie_word_embeddings", false),
    initializerRange: field.positive("initializer_range", 0.02),
    ...tokenFields(field, generation),
    hiddenAct: field.activation("hidden_act", "gelu_new", UNGATED_ACTIVATIONS),
    qkLayernorm: field.flag("qk_layernorm", false),
  };
}

function parameterShapes(config: ModelConfig): Map<string, number[]> {
  const { hiddenSize: C, intermediateSize: F, vocabSize: V, headDim: D } = config;
  const { numAttentionHeads: H, numKeyValueHeads: K } = config;
  const shapes = new ShapeList();
  shapes.add(EMBEDDING, [V, C]);
  for (let i = 0; i < config.numHiddenLayers; i++) {
    const layer = layerPrefix(i);
    shapes.addLayerNorm(`${layer}.input_layernorm`, C);
    shapes.addLinear(`${layer}.self_attn.q_proj`, C, H * D, true);
    shapes.addLinear(`${layer}.self_attn.k_proj`, C, K * D, true);
    shapes.addLinear(`${layer}.self_attn.v_proj`, C, K * D, true);
    shapes.addLinear(`${layer}.self_attn.dense`, H * D, C, true);
    if (config.qkLayernorm) {
      shapes.addLayerNorm(`${layer}.self_attn.q_layernorm`, D);
      shapes.addLayerNorm(`${layer}.self_attn.k_layernorm`, D);
    }
    shapes.addLinear(`${layer}.mlp.fc1`, C, F, true);
    shapes.addLinear(`${layer}.mlp.fc2`, F, C, true);
  }
  shapes.addLayerNorm(FINAL_NORM, C);
  if (!config.tieWordEmbeddings) shapes.add(`${HEAD}.weight`, [V, C]);
  shapes.add(`${HEAD}.bias`, [V]);
  return shapes.byName;
}

function layerPrefix(layer: number): string {
  return `model.layers.${layer}`;
}

class PhiBlocks implements Blocks {
  readonly ropes;

  constructor(readonly config: ModelConfig, readonly parameters: Parameters) {
    this.ropes = [globalRope(config)];
  }

  embed(inputIds: Int32Array): tf.Tensor2D {
    return embeddingLayer(this.parameters.embedding(EMBEDDING), inputIds);
  }

  block(x: tf.Tensor2D, layer: number, around: Surroundings): tf.Tensor2D {
    const prefix = layerPrefix(layer);
    const weights = (name: string) => this.parameters.linear(`${prefix}.${name}`);
    const normed = this.#norm(x, `${prefix}.input_layernorm`);
    const inner = { up: weights("mlp.fc1"), down: weights("mlp.fc2") };
    const fed = mlp(normed, inner, this.config.hiddenAct!);
    return residual(residual(x, this.#attention(normed, layer, around)), fed);
  }

  finish(x: tf.Tensor2D): tf.Tensor2D {
    return this.#norm(x, FINAL_NORM);
  }

  headWeight(): tf.Tensor2D | PackedMatrix {
    return this.parameters.weight(this.config.tieWordEmbeddings ? EMBEDDING : `${HEAD}.weight`);
  }

  headBias(): tf.Tensor1D {
    return this.parameters.vector(`${HEAD}.bias`);
  }

  #attention(x: tf.Tensor2D, layer: number, { rotate, attend }: Surroundings): tf.Tensor2D {
    const { numAttentionHeads: H, numKeyValueHeads: K, qkLayernorm } = this.config;
    const prefix = `${layerPrefix(layer)}.self_attn`;
    const heads = (name: string, count: number) =>
      byHead(linearLayer(x, this.parameters.linear(`${prefix}.${name}`)), count);
    const placed = (y: tf.Tensor3D, norm: string): tf.Tensor3D => {
      if (!qkLayernorm) return rotate(y);
      const [N, count, D] = y.shape;
      const normed = this.#norm(tf.reshape(y, [N * count, D]), `${prefix}.${norm}`);
      return rotate(tf.reshape(normed, y.shape));
    };
    const mixed = attend(
      layer,
      placed(heads("q_proj", H), "q_layernorm"),
      placed(heads("k_proj", K), "k_layernorm"),
      heads("v_proj", K),
    );
    return linearLayer(joinHeads(mixed), this.parameters.linear(`${prefix}.dense`));
  }

  #norm(x: tf.Tensor2D, name: string): tf.Tensor2D {
    return namedLayerNorm(x, name, this.parameters, this.config);
  }
}
