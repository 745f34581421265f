/**
 * Llama: pre-norm blocks of rotary attention with grouped key/value heads and a gated MLP.
 * Covers tied and untied heads, biases in attention and MLP, and every rope scaling of
 * `RopeScaling`. Weight names are the checkpoint's.
 */

import { cachedAttention, writeSlot } from "../ops/cached_attention.ts";
import { embedding } from "../ops/embedding.ts";
import { gatedMlp, type LinearWeights } from "../ops/gated_mlp.ts";
import { linear } from "../ops/linear.ts";
import { rmsNorm } from "../ops/rms_norm.ts";
import { ropeAt } from "../ops/rope.ts";
import { segmentAttention } from "../ops/segment_attention.ts";
import { SegmentLayout } from "../ops/segments.ts";
import { tf } from "../tensor/tf.ts";
import type { Architecture } from "./architecture.ts";
import type { ModelConfig } from "./config.ts";
import { tokenOutOfRange } from "./errors.ts";
import type {
  CausalLM,
  Decoder,
  DecodingOptions,
  DecodingStart,
  PackedBatch,
  TokenBatch,
} from "./model.ts";
import { RopeAngles } from "./rope_angles.ts";

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

/** Rotates heads [N, H, D] by their tokens' positions. */
type Rotate = (heads: tf.Tensor3D) => tf.Tensor3D;

/** How a block's queries meet keys and values; all [N, H or K, D], already rotated. */
type Attend = (layer: number, q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D) => tf.Tensor3D;

class Llama implements CausalLM {
  readonly config: ModelConfig;
  readonly parameters: ReadonlyMap<string, tf.Variable>;
  readonly #angles: RopeAngles;

  constructor(config: ModelConfig, parameters: ReadonlyMap<string, tf.Variable>) {
    this.config = config;
    this.parameters = parameters;
    this.#angles = new RopeAngles(config);
  }

  hidden(batch: TokenBatch | PackedBatch): tf.Tensor2D {
    const layout = "layout" in batch ? batch.layout : layoutOf(batch);
    const attend: Attend = (_, q, k, v) => segmentAttention(q, k, v, layout);
    return this.#runLayout(batch.inputIds, layout, attend);
  }

  headWeight(): tf.Tensor2D {
    return this.#matrix(this.config.tieWordEmbeddings ? EMBEDDING : HEAD);
  }

  startDecoding(prompts: TokenBatch, { lengths, slots }: DecodingOptions): DecodingStart {
    const caches: LayerCache[] = [];
    const layout = layoutOf(prompts);
    const { inputIds, batchSize, length } = prompts;
    const toCache = (x: tf.Tensor3D) => tf.keep(toSlots(byBatch(x, batchSize), slots));
    const hidden = tf.tidy(() => {
      const rows = this.#runLayout(inputIds, layout, (_, q, k, v) => {
        caches.push({ keys: toCache(k), values: toCache(v) });
        return segmentAttention(q, k, v, layout);
      });
      return embedding(rows, lengths.map((tokens, b) => b * length + tokens - 1));
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
          const table = this.#angles.tableAt(positions);
          const rows = tf.range(0, ids.length, 1, "int32");
          const rotate: Rotate = (x) => ropeAt(x, table, rows);
          return this.#run(ids, rotate, (layer, q, k, v) => {
            const cache = caches[layer]!;
            const byOne = (x: tf.Tensor3D) => byBatch(x, ids.length);
            cache.keys = replace(cache.keys, byOne(k), positions);
            cache.values = replace(cache.values, byOne(v), positions);
            const mixed = cachedAttention(byOne(q), cache.keys, cache.values, positions);
            return tf.reshape(mixed, q.shape);
          });
        }),
      dispose: () => caches.forEach(({ keys, values }) => tf.dispose([keys, values])),
    };
  }

  /** `#run` on a layout's tokens; what the layout keeps on the device is freed. */
  #runLayout(inputIds: Int32Array, layout: SegmentLayout, attend: Attend): tf.Tensor2D {
    try {
      return tf.tidy(() => {
        const table = this.#angles.tableFor(layout.positions);
        const { positions } = layout.deviceRanges();
        return this.#run(inputIds, (x) => ropeAt(x, table, positions), attend);
      });
    } finally {
      layout.dispose();
    }
  }

  /** Embedding, blocks, last norm: ids [N] -> [N, C]. */
  #run(inputIds: Int32Array, rotate: Rotate, attend: Attend): tf.Tensor2D {
    const { vocabSize, numHiddenLayers, rmsNormEps } = this.config;
    const outside = inputIds.find((id) => id < 0 || id >= vocabSize);
    if (outside !== undefined) throw tokenOutOfRange(outside, vocabSize);
    let x = embedding(this.#matrix(EMBEDDING), inputIds);
    for (let layer = 0; layer < numHiddenLayers; layer++) {
      x = this.#block(x, layer, rotate, attend);
    }
    return rmsNorm(x, this.#vector(FINAL_NORM), rmsNormEps);
  }

  #block(x: tf.Tensor2D, layer: number, rotate: Rotate, attend: Attend): tf.Tensor2D {
    const { numAttentionHeads, numKeyValueHeads, headDim, rmsNormEps } = this.config;
    const N = x.shape[0];
    const prefix = layerPrefix(layer);
    const project = (y: tf.Tensor2D, name: string): tf.Tensor2D => {
      const { weight, bias } = this.#linear(`${prefix}.${name}`);
      return linear(y, weight, bias);
    };
    const heads = (y: tf.Tensor2D, count: number): tf.Tensor3D =>
      tf.reshape(y, [N, count, headDim]);

    const normed = rmsNorm(x, this.#vector(`${prefix}.input_layernorm.weight`), rmsNormEps);
    const q = heads(project(normed, "self_attn.q_proj"), numAttentionHeads);
    const k = heads(project(normed, "self_attn.k_proj"), numKeyValueHeads);
    const v = heads(project(normed, "self_attn.v_proj"), numKeyValueHeads);
    const mixed = attend(layer, rotate(q), rotate(k), v);
    const flat: tf.Tensor2D = tf.reshape(mixed, [N, numAttentionHeads * headDim]);
    const afterAttention: tf.Tensor2D = tf.add(x, project(flat, "self_attn.o_proj"));

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

/** A padded batch as the stream it is: B causal sequences of T tokens. */
function layoutOf({ batchSize, length }: TokenBatch): SegmentLayout {
  return SegmentLayout.ofBatch(batchSize, length);
}

/** [B T, H, D] -> [B, T, H, D]. */
function byBatch(x: tf.Tensor3D, B: number): tf.Tensor4D {
  const [N, H, D] = x.shape;
  return tf.reshape(x, [B, N / B, H, D]);
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
