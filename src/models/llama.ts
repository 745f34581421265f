/**
 * Llama: pre-norm blocks of rotary attention with grouped key/value heads and a gated MLP.
 * Covers tied and untied heads, biases in attention and MLP, and every rope scaling of
 * `RopeScaling`. Weight names are the checkpoint's.
 */

import { embedding } from "../ops/embedding.ts";
import { gatedMlp } from "../ops/gated_mlp.ts";
import { linearLayer } from "../ops/linear_layer.ts";
import { residual } from "../ops/residual.ts";
import { rmsNorm } from "../ops/rms_norm.ts";
import { tf } from "../tensor/tf.ts";
import type { Architecture, Blocks, Surroundings } from "./architecture.ts";
import type { ModelConfig } from "./config.ts";
import type { Parameters } from "./parameters.ts";

const EMBEDDING = "model.embed_tokens.weight";
const FINAL_NORM = "model.norm.weight";
const HEAD = "lm_head.weight";

/** The Llama family. */
export const llama: Architecture = {
  parameterShapes,
  isIgnored: (name) => name === HEAD || name.endsWith(".rotary_emb.inv_freq"),
  blocks: (config, parameters) => new LlamaBlocks(config, parameters),
};

function parameterShapes(config: ModelConfig): Map<string, number[]> {
  const { hiddenSize: C, intermediateSize: F, vocabSize: V, headDim: D } = config;
  const queries = config.numAttentionHeads * D;
  const keys = config.numKeyValueHeads * D;
  const shapes = new Map<string, number[]>();
  const addLinear = (name: string, inner: number, outer: number, bias: boolean) => {
    shapes.set(`${name}.weight`, [outer, inner]);
    if (bias) shapes.set(`${name}.bias`, [outer]);
  };
  shapes.set(EMBEDDING, [V, C]);
  for (let i = 0; i < config.numHiddenLayers; i++) {
    const layer = layerPrefix(i);
    shapes.set(`${layer}.input_layernorm.weight`, [C]);
    addLinear(`${layer}.self_attn.q_proj`, C, queries, config.attentionBias);
    addLinear(`${layer}.self_attn.k_proj`, C, keys, config.attentionBias);
    addLinear(`${layer}.self_attn.v_proj`, C, keys, config.attentionBias);
    addLinear(`${layer}.self_attn.o_proj`, queries, C, config.attentionBias);
    shapes.set(`${layer}.post_attention_layernorm.weight`, [C]);
    addLinear(`${layer}.mlp.gate_proj`, C, F, config.mlpBias);
    addLinear(`${layer}.mlp.up_proj`, C, F, config.mlpBias);
    addLinear(`${layer}.mlp.down_proj`, F, C, config.mlpBias);
  }
  shapes.set(FINAL_NORM, [C]);
  if (!config.tieWordEmbeddings) shapes.set(HEAD, [V, C]);
  return shapes;
}

function layerPrefix(layer: number): string {
  return `model.layers.${layer}`;
}

class LlamaBlocks implements Blocks {
  constructor(readonly config: ModelConfig, readonly parameters: Parameters) {}

  embed(inputIds: Int32Array): tf.Tensor2D {
    return embedding(this.parameters.matrix(EMBEDDING), inputIds);
  }

  block(x: tf.Tensor2D, layer: number, { rotate, attend }: Surroundings): tf.Tensor2D {
    const { numAttentionHeads, numKeyValueHeads, headDim, rmsNormEps } = this.config;
    const N = x.shape[0];
    const prefix = layerPrefix(layer);
    const norm = (y: tf.Tensor2D, name: string): tf.Tensor2D =>
      rmsNorm(y, this.parameters.vector(`${prefix}.${name}.weight`), rmsNormEps);
    const weights = (name: string) => this.parameters.linear(`${prefix}.${name}`);
    const heads = (y: tf.Tensor2D, name: string, count: number): tf.Tensor3D =>
      tf.reshape(linearLayer(y, weights(`self_attn.${name}`)), [N, count, headDim]);

    const normed = norm(x, "input_layernorm");
    const q = heads(normed, "q_proj", numAttentionHeads);
    const k = heads(normed, "k_proj", numKeyValueHeads);
    const v = heads(normed, "v_proj", numKeyValueHeads);
    const mixed = attend(layer, rotate(q), rotate(k), v);
    const flat: tf.Tensor2D = tf.reshape(mixed, [N, numAttentionHeads * headDim]);
    const attended = residual(x, linearLayer(flat, weights("self_attn.o_proj")));

    const mlp = gatedMlp(norm(attended, "post_attention_layernorm"), {
      gate: weights("mlp.gate_proj"),
      up: weights("mlp.up_proj"),
      down: weights("mlp.down_proj"),
    });
    return residual(attended, mlp);
  }

  finish(x: tf.Tensor2D): tf.Tensor2D {
    return rmsNorm(x, this.parameters.vector(FINAL_NORM), this.config.rmsNormEps);
  }

  headWeight(): tf.Tensor2D {
    return this.parameters.matrix(this.config.tieWordEmbeddings ? EMBEDDING : HEAD);
  }
}
