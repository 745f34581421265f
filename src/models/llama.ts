/**
 * Llama: pre-norm blocks of rotary attention with grouped key/value heads and a gated MLP.
 * Covers tied and untied heads, biases in attention and MLP, and every rope scaling of
 * `RopeScaling`. Weight names are the checkpoint's.
 */

import { attention } from "../ops/attention.ts";
import { cachedAttention, writeSlot } from "../ops/cached_attention.ts";
import { embedding } from "../ops/embedding.ts";
import { gatedMlp, type LinearWeights } from "../ops/gated_mlp.ts";
import { linear } from "../ops/linear.ts";
import { rmsNorm } from "../ops/rms_norm.ts";
import { rope, type RopeTable } from "../ops/rope.ts";
import { tf } from "../tensor/tf.ts";
import type { Architecture } from "./architecture.ts";
import type { ModelConfig } from "./config.ts";
import { tokenOutOfRange } from "./errors.ts";
import type { CausalLM, Decoder, DecodingOptions, DecodingStart, TokenBatch } from "./model.ts";
import { ropeFrequencies, tableAt, tableOfLength } from "./rope_angles.ts";

const EMBEDDING = "model.embed_tokens.weight";
const FINAL_NORM = "model.norm.weight";
const HEAD = "lm_head.weight";

/** The Llama family. */
export const llama: Architecture = {
  parameterShapes,
  isIgnored: (name) => name === HEAD || name.endsWith(".rotary_emb.inv_freq"),
  build: (config, parameters) => new Llama(config, parameters),
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

/** How a block's queries meet keys and values; all [B, T, H or K, D], already rotated. */
type Attend = (layer: number, q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D) => tf.Tensor4D;

class Llama implements CausalLM {
  readonly config: ModelConfig;
  readonly parameters: ReadonlyMap<string, tf.Variable>;
  readonly #frequencies: Float64Array;

  constructor(config: ModelConfig, parameters: ReadonlyMap<string, tf.Variable>) {
    this.config = config;
    this.parameters = parameters;
    this.#frequencies = ropeFrequencies(config);
  }

  hidden(batch: TokenBatch): tf.Tensor2D {
    return tf.tidy(() =>
      this.#run(
        batch,
        tableOfLength(this.#frequencies, batch.length),
        (_, q, k, v) => attention(q, k, v),
      )
    );
  }

  headWeight(): tf.Tensor2D {
    return this.#matrix(this.config.tieWordEmbeddings ? EMBEDDING : HEAD);
  }

  startDecoding(prompts: TokenBatch, { lengths, slots }: DecodingOptions): DecodingStart {
    const caches: LayerCache[] = [];
    const hidden = tf.tidy(() => {
      const table = tableOfLength(this.#frequencies, prompts.length);
      const rows = this.#run(prompts, table, (_, q, k, v) => {
        caches.push({ keys: tf.keep(toSlots(k, slots)), values: tf.keep(toSlots(v, slots)) });
        return attention(q, k, v);
      });
      return embedding(rows, lengths.map((length, b) => b * prompts.length + length - 1));
    });
    return { hidden, decoder: this.#decoder(caches) };
  }

  dispose(): void {
    tf.dispose([...this.parameters.values()]);
  }

  #decoder(caches: LayerCache[]): Decoder {
    return {
      step: (ids, positions) =>
        tf.tidy(() => {
          const batch = { inputIds: ids, batchSize: ids.length, length: 1 };
          const table = tableAt(this.#frequencies, positions);
          return this.#run(batch, table, (layer, q, k, v) => {
            const cache = caches[layer]!;
            cache.keys = replace(cache.keys, k, positions);
            cache.values = replace(cache.values, v, positions);
            return cachedAttention(q, cache.keys, cache.values, positions);
          });
        }),
      dispose: () => caches.forEach(({ keys, values }) => tf.dispose([keys, values])),
    };
  }

  /** Embedding, blocks, last norm: [B * T] -> [B * T, C]. */
  #run(batch: TokenBatch, table: RopeTable, attend: Attend): tf.Tensor2D {
    const { vocabSize, numHiddenLayers, rmsNormEps } = this.config;
    const outside = batch.inputIds.find((id) => id < 0 || id >= vocabSize);
    if (outside !== undefined) throw tokenOutOfRange(outside, vocabSize);
    let x = embedding(this.#matrix(EMBEDDING), batch.inputIds);
    for (let layer = 0; layer < numHiddenLayers; layer++) {
      x = this.#block(x, layer, batch, table, attend);
    }
    return rmsNorm(x, this.#vector(FINAL_NORM), rmsNormEps);
  }

  #block(
    x: tf.Tensor2D,
    layer: number,
    { batchSize, length }: TokenBatch,
    table: RopeTable,
    attend: Attend,
  ): tf.Tensor2D {
    const { numAttentionHeads, numKeyValueHeads, headDim, rmsNormEps } = this.config;
    const prefix = layerPrefix(layer);
    const project = (y: tf.Tensor2D, name: string): tf.Tensor2D => {
      const { weight, bias } = this.#linear(`${prefix}.${name}`);
      return linear(y, weight, bias);
    };
    const heads = (y: tf.Tensor2D, count: number): tf.Tensor4D =>
      tf.reshape(y, [batchSize, length, count, headDim]);

    const normed = rmsNorm(x, this.#vector(`${prefix}.input_layernorm.weight`), rmsNormEps);
    const q = heads(project(normed, "self_attn.q_proj"), numAttentionHeads);
    const k = heads(project(normed, "self_attn.k_proj"), numKeyValueHeads);
    const v = heads(project(normed, "self_attn.v_proj"), numKeyValueHeads);
    const mixed = attend(layer, rope(q, table), rope(k, table), v);
    const flat = tf.reshape(mixed, [batchSize * length, numAttentionHeads * headDim]);
    const afterAttention: tf.Tensor2D = tf.add(x, project(flat as tf.Tensor2D, "self_attn.o_proj"));

    const normWeight = this.#vector(`${prefix}.post_attention_layernorm.weight`);
    const mlp = gatedMlp(rmsNorm(afterAttention, normWeight, rmsNormEps), {
      gate: this.#linear(`${prefix}.mlp.gate_proj`),
      up: this.#linear(`${prefix}.mlp.up_proj`),
      down: this.#linear(`${prefix}.mlp.down_proj`),
    });
    return tf.add(afterAttention, mlp);
  }

  #linear(name: string): LinearWeights {
    return {
      weight: this.#matrix(`${name}.weight`),
      bias: this.parameters.get(`${name}.bias`) as tf.Tensor1D | undefined,
    };
  }

  #matrix(name: string): tf.Tensor2D {
    return this.parameters.get(name) as tf.Tensor as tf.Tensor2D;
  }

  #vector(name: string): tf.Tensor1D {
    return this.parameters.get(name) as tf.Tensor as tf.Tensor1D;
  }
}

/** A layer's keys and values so far, [B, K, S, D]. */
interface LayerCache {
  keys: tf.Tensor4D;
  values: tf.Tensor4D;
}

/** [B, T, K, D] -> [B, K, S, D], zeros after T. */
function toSlots(x: tf.Tensor4D, slots: number): tf.Tensor4D {
  const byHead = tf.transpose(x, [0, 2, 1, 3]) as tf.Tensor4D;
  return tf.pad4d(byHead, [[0, 0], [0, 0], [0, slots - x.shape[1]], [0, 0]]);
}

/** A cache with one more row [B, 1, K, D] a sequence; the old one is disposed. */
function replace(cache: tf.Tensor4D, row: tf.Tensor4D, positions: Int32Array): tf.Tensor4D {
  const next = writeSlot(cache, tf.transpose(row, [0, 2, 1, 3]) as tf.Tensor4D, positions);
  cache.dispose();
  return tf.keep(next);
}
