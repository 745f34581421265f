/**
 * A decoder-only language model: what its architecture computes block by block, made into what the
 * trainer (a forward pass in pieces), the evaluator (hidden states) and the generator (a cache of
 * keys and values) ask for. Knows no architecture.
 */

import { cachedAttention, writeSlots } from "../ops/attention/cached_attention.ts";
import { embedding } from "../ops/embedding/embedding.ts";
import type { HeadWeights } from "../ops/head/logits.ts";
import { ropeAt } from "../ops/rope.ts";
import { segmentAttention } from "../ops/attention/segment_attention.ts";
import { SegmentLayout } from "../ops/attention/segments.ts";
import type { PackedMatrix } from "../tensor/packed_matrix.ts";
import { tf } from "../tensor/tf.ts";
import type { Blocks, Surroundings } from "./architecture.ts";
import type { ModelConfig } from "./config.ts";
import { tokenOutOfRange } from "./errors.ts";
import type { LoraAdapters } from "./lora/lora.ts";
import { HEAD_MODULE } from "./lora/settings.ts";
import type {
  CausalLM,
  Decoder,
  DecodingOptions,
  DecodingStart,
  ForwardPass,
  PackedBatch,
  TokenBatch,
  TrainingPass,
} from "./model.ts";
import { type PlacedAngles, RopeAngles } from "./rope_angles.ts";
import { disposeWeights, type ModelWeights } from "./weights.ts";

/** A model of some blocks; owns their weights. */
export class DecoderModel implements CausalLM {
  readonly config: ModelConfig;
  readonly parameters: ReadonlyMap<string, tf.Variable>;
  readonly packed: ReadonlyMap<string, PackedMatrix>;
  readonly trainable: ReadonlyMap<string, tf.Variable>;
  readonly lora?: LoraAdapters;
  readonly #blocks: Blocks;
  readonly #angles: readonly RopeAngles[];

  /** Takes over the weights, and the branches if any, that the blocks compute with. */
  constructor(config: ModelConfig, weights: ModelWeights, blocks: Blocks, lora?: LoraAdapters) {
    this.config = config;
    this.parameters = weights.floats;
    this.packed = weights.packed;
    const trainable = [...weights.floats].filter(([, variable]) => variable.trainable);
    this.trainable = lora ? lora.variables : new Map(trainable);
    this.lora = lora;
    this.#blocks = blocks;
    this.#angles = blocks.ropes.map((rope) => new RopeAngles(rope));
  }

  startPass(batch: TokenBatch | PackedBatch, training?: TrainingPass): ForwardPass {
    this.#checkIds(batch.inputIds);
    const layout = "layout" in batch ? batch.layout : layoutOf(batch);
    const places = this.#angles.map((angles) => kept(angles.place(layout)));
    const around: Surroundings = {
      rotate: rotationBy(places),
      attend: (_, q, k, v, settings) => segmentAttention(q, k, v, layout, settings),
    };
    const inPass = <T>(f: () => T): T => this.lora ? this.lora.during(training, f) : f();
    return {
      layers: this.config.numHiddenLayers,
      embed: () => inPass(() => this.#blocks.embed(batch.inputIds, layout.positions)),
      block: (x, layer) => inPass(() => this.#blocks.block(x, layer, around)),
      finish: (x) => inPass(() => this.#blocks.finish(x)),
      head: () => inPass(() => this.head()),
      dispose: () => {
        layout.dispose();
        places.forEach(({ table, rows }) => tf.dispose([table.cos, table.sin, rows]));
      },
    };
  }

  hidden(batch: TokenBatch | PackedBatch): tf.Tensor2D {
    const pass = this.startPass(batch);
    try {
      return tf.tidy(() => {
        let x = pass.embed();
        for (let layer = 0; layer < pass.layers; layer++) {
          x = next(x, (input) => pass.block(input, layer));
        }
        return pass.finish(x);
      });
    } finally {
      pass.dispose();
    }
  }

  head(): HeadWeights {
    return {
      weight: this.#blocks.headWeight(),
      bias: this.#blocks.headBias?.(),
      softcap: this.config.finalLogitSoftcapping,
      lora: this.lora?.branch(HEAD_MODULE),
    };
  }

  startDecoding(prompts: TokenBatch, options: DecodingOptions): DecodingStart {
    const { inputIds, batchSize, length } = prompts;
    const { lengths, slots, reach = new Int32Array(batchSize).fill(slots) } = options;
    this.#checkIds(inputIds);
    const caches: LayerCache[] = [];
    const layout = layoutOf(prompts);
    const toCache = (x: tf.Tensor3D) => tf.keep(toSlots(byBatch(x, batchSize), slots));
    try {
      const hidden = tf.tidy(() => {
        const places = this.#angles.map((angles) => angles.place(layout, reach));
        const rows = this.#run(inputIds, layout.positions, {
          rotate: rotationBy(places),
          attend: (_, q, k, v, settings) => {
            caches.push({ keys: toCache(k), values: toCache(v) });
            return segmentAttention(q, k, v, layout, settings);
          },
        });
        return embedding(rows, lengths.map((tokens, b) => b * length + tokens - 1));
      });
      return { hidden, decoder: this.#decoder(caches, reach) };
    } finally {
      layout.dispose();
    }
  }

  dispose(): void {
    disposeWeights({ floats: this.parameters, packed: this.packed });
    this.lora?.dispose();
  }

  #decoder(caches: LayerCache[], reach: Int32Array): Decoder {
    return {
      step: (ids, positions) => {
        this.#checkIds(ids);
        return tf.tidy(() => {
          const places = this.#angles.map((angles) => angles.at(positions, reach));
          return this.#run(ids, positions, {
            rotate: rotationBy(places),
            attend: (layer, q, k, v, settings) => {
              const cache = caches[layer]!;
              const bySequence = (x: tf.Tensor3D) => byBatch(x, cache.keys.shape[0]);
              cache.keys = replace(cache.keys, bySequence(k), positions);
              cache.values = replace(cache.values, bySequence(v), positions);
              const { keys, values } = cache;
              const mixed = cachedAttention(bySequence(q), keys, values, positions, settings);
              return tf.reshape(mixed, q.shape);
            },
          });
        });
      },
      dispose: () => caches.forEach(({ keys, values }) => tf.dispose([keys, values])),
    };
  }

  /** Embedding, blocks, last norm: ids [N] -> [N, C]. */
  #run(inputIds: Int32Array, positions: Int32Array, around: Surroundings): tf.Tensor2D {
    let x = this.#blocks.embed(inputIds, positions);
    for (let layer = 0; layer < this.config.numHiddenLayers; layer++) {
      x = next(x, (input) => this.#blocks.block(input, layer, around));
    }
    return this.#blocks.finish(x);
  }

  #checkIds(inputIds: Int32Array): void {
    const { vocabSize } = this.config;
    const outside = inputIds.find((id) => id < 0 || id >= vocabSize);
    if (outside !== undefined) throw tokenOutOfRange(outside, vocabSize);
  }
}

/** Rotates by the angles placed. */
function rotationBy(places: readonly PlacedAngles[]): Surroundings["rotate"] {
  return (x, rope = 0) => ropeAt(x, places[rope]!.table, places[rope]!.rows);
}

function kept({ table: { cos, sin }, rows }: PlacedAngles): PlacedAngles {
  return { table: { cos: tf.keep(cos), sin: tf.keep(sin) }, rows: tf.keep(rows) };
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

/** A cache with T more rows a sequence, [B, T, K, D]; the old one is disposed. */
function replace(cache: tf.Tensor4D, rows: tf.Tensor4D, positions: Int32Array): tf.Tensor4D {
  const next = writeSlots(cache, rows, positions);
  cache.dispose();
  return tf.keep(next);
}

/**
 * A block's output. Nothing else of the block outlives it, and neither does its input, beyond what a
 * tape has saved: a pass without gradients holds one block's tensors at a time.
 */
function next(x: tf.Tensor2D, block: (x: tf.Tensor2D) => tf.Tensor2D): tf.Tensor2D {
  const y = tf.tidy(() => block(x));
  x.dispose();
  return y;
}
