/**
 * The decoders of Llama's kind: blocks of rotary attention with grouped key/value heads and a gated
 * MLP, each with rms norms. What their architectures vary is in `GatedTraits`; weight names are the
 * checkpoint's. An architecture of another kind has blocks of its own (gpt2.ts, opt.ts, phi.ts).
 */

import { embeddingLayer } from "../../ops/embedding/embedding_layer.ts";
import { gatedMlp } from "../../ops/linear/gated_mlp.ts";
import { linearLayer } from "../../ops/linear/linear_layer.ts";
import { residual } from "../../ops/residual.ts";
import { rmsNorm } from "../../ops/norms/rms_norm.ts";
import { scale } from "../../ops/scale.ts";
import { splitColumns } from "../../ops/linear/split_columns.ts";
import type { PackedMatrix } from "../../tensor/packed_matrix.ts";
import { tf } from "../../tensor/tf.ts";
import type { Architecture, Blocks, Surroundings } from "../architecture.ts";
import type { ModelConfig } from "../config.ts";
import type { Parameters } from "../parameters.ts";
import { attentionOf, globalRope, slidingRope } from "./rotary_layers.ts";
import { ShapeList } from "../shape_list.ts";

/** What a decoder of this kind varies; absent: as in Llama. */
export interface GatedTraits {
  /** Names of the norms before and after each branch, within a layer. Default: Llama's two. */
  readonly norms?: BranchNorms;
  /** What norms add to their weights. Default 0. */
  readonly normOffset?: 0 | 1;
  /** Norms of queries and keys: of each head, or of all heads together. Default: none. */
  readonly queryKeyNorms?: "head" | "all";
  /** Biases of q, k and v. Default: config's attentionBias. */
  readonly queryKeyValueBias?: boolean;
  /** The bias of attention's output. Default: config's attentionBias. */
  readonly outputBias?: boolean;
  /** Whether q, k and v are one matrix, and gate and up are. Default false. */
  readonly joined?: boolean;
  /** Embeddings are multiplied by it. Default 1. */
  readonly embeddingScale?: number;
}

/** Names of norms; a place without a name has none. */
export interface BranchNorms {
  readonly beforeAttention?: string;
  readonly afterAttention?: string;
  readonly beforeMlp?: string;
  readonly afterMlp?: string;
}

const LLAMA_NORMS: BranchNorms = {
  beforeAttention: "input_layernorm",
  beforeMlp: "post_attention_layernorm",
};

const EMBEDDING = "model.embed_tokens.weight";
const FINAL_NORM = "model.norm.weight";
const HEAD = "lm_head.weight";

/** Makes an architecture of its summary, its configuration and its traits. */
export function gatedDecoder(
  { summary, parseConfig, traits = () => ({}) }:
    & Pick<Architecture, "summary" | "parseConfig">
    & { traits?: (config: ModelConfig) => GatedTraits },
): Architecture {
  return {
    summary,
    parseConfig,
    parameterShapes: (config) => parameterShapes(config, traits(config)),
    isIgnored: (name) => name === HEAD || name.endsWith(".rotary_emb.inv_freq"),
    blocks: (config, parameters) => new GatedBlocks(config, parameters, traits(config)),
  };
}

function parameterShapes(config: ModelConfig, traits: GatedTraits): Map<string, number[]> {
  const { hiddenSize: C, intermediateSize: F, headDim: D, attentionBias, mlpBias } = config;
  const { numAttentionHeads: H, numKeyValueHeads: K } = config;
  const { queryKeyValueBias = attentionBias, outputBias = attentionBias, queryKeyNorms } = traits;
  const shapes = new ShapeList();
  shapes.add(EMBEDDING, [config.vocabSize, C]);
  for (let i = 0; i < config.numHiddenLayers; i++) {
    const layer = layerPrefix(i);
    for (const name of Object.values(traits.norms ?? LLAMA_NORMS)) {
      shapes.add(`${layer}.${name}.weight`, [C]);
    }
    const attention = `${layer}.self_attn`;
    if (traits.joined) {
      shapes.addLinear(`${attention}.qkv_proj`, C, (H + 2 * K) * D, queryKeyValueBias);
    } else {
      shapes.addLinear(`${attention}.q_proj`, C, H * D, queryKeyValueBias);
      shapes.addLinear(`${attention}.k_proj`, C, K * D, queryKeyValueBias);
      shapes.addLinear(`${attention}.v_proj`, C, K * D, queryKeyValueBias);
    }
    shapes.addLinear(`${attention}.o_proj`, H * D, C, outputBias);
    if (queryKeyNorms) {
      const ofHead = queryKeyNorms === "head";
      shapes.add(`${attention}.q_norm.weight`, [ofHead ? D : H * D]);
      shapes.add(`${attention}.k_norm.weight`, [ofHead ? D : K * D]);
    }
    if (traits.joined) {
      shapes.addLinear(`${layer}.mlp.gate_up_proj`, C, 2 * F, mlpBias);
    } else {
      shapes.addLinear(`${layer}.mlp.gate_proj`, C, F, mlpBias);
      shapes.addLinear(`${layer}.mlp.up_proj`, C, F, mlpBias);
    }
    shapes.addLinear(`${layer}.mlp.down_proj`, F, C, mlpBias);
  }
  shapes.add(FINAL_NORM, [C]);
  if (!config.tieWordEmbeddings) shapes.add(HEAD, [config.vocabSize, C]);
  return shapes.byName;
}

function layerPrefix(layer: number): string {
  return `model.layers.${layer}`;
}

class GatedBlocks implements Blocks {
  readonly ropes;
  readonly #norms: BranchNorms;

  constructor(
    readonly config: ModelConfig,
    readonly parameters: Parameters,
    readonly traits: GatedTraits,
  ) {
    this.ropes = config.slidingRopeTheta === undefined
      ? [globalRope(config)]
      : [globalRope(config), slidingRope(config)];
    this.#norms = traits.norms ?? LLAMA_NORMS;
  }

  embed(inputIds: Int32Array): tf.Tensor2D {
    const rows = embeddingLayer(this.parameters.embedding(EMBEDDING), inputIds);
    const { embeddingScale } = this.traits;
    return embeddingScale === undefined ? rows : scale(rows, embeddingScale);
  }

  block(x: tf.Tensor2D, layer: number, around: Surroundings): tf.Tensor2D {
    const { beforeAttention, afterAttention, beforeMlp, afterMlp } = this.#norms;
    const norm = (y: tf.Tensor2D, name?: string): tf.Tensor2D =>
      name === undefined ? y : this.#norm(y, `${layerPrefix(layer)}.${name}`);
    const mixed = this.#attention(norm(x, beforeAttention), layer, around);
    const attended = residual(x, norm(mixed, afterAttention));
    return residual(attended, norm(this.#mlp(norm(attended, beforeMlp), layer), afterMlp));
  }

  finish(x: tf.Tensor2D): tf.Tensor2D {
    return rmsNorm(
      x,
      this.parameters.vector(FINAL_NORM),
      this.config.rmsNormEps,
      this.traits.normOffset,
    );
  }

  headWeight(): tf.Tensor2D | PackedMatrix {
    return this.parameters.weight(this.config.tieWordEmbeddings ? EMBEDDING : HEAD);
  }

  #attention(x: tf.Tensor2D, layer: number, { rotate, attend }: Surroundings): tf.Tensor2D {
    const { config } = this;
    const { numAttentionHeads: H, numKeyValueHeads: K, headDim: D } = config;
    const N = x.shape[0];
    const prefix = `${layerPrefix(layer)}.self_attn`;
    const byHead = (y: tf.Tensor2D, heads: number): tf.Tensor3D => tf.reshape(y, [N, heads, D]);
    const [queries, keys, values] = this.#queriesKeysValues(x, prefix);
    const slides = config.slidingLayers?.[layer] ?? false;
    const placed = (y: tf.Tensor2D, heads: number, norm: string): tf.Tensor3D => {
      const normed = byHead(this.#headNorm(y, heads, `${prefix}.${norm}`), heads);
      if (config.ropeLayers?.[layer] === false) return normed;
      return rotate(normed, slides && this.ropes.length > 1 ? 1 : 0);
    };
    const mixed = attend(
      layer,
      placed(queries, H, "q_norm"),
      placed(keys, K, "k_norm"),
      byHead(values, K),
      attentionOf(config, layer),
    );
    return linearLayer(tf.reshape(mixed, [N, H * D]), this.parameters.linear(`${prefix}.o_proj`));
  }

  #queriesKeysValues(
    x: tf.Tensor2D,
    prefix: string,
  ): [q: tf.Tensor2D, k: tf.Tensor2D, v: tf.Tensor2D] {
    const { numAttentionHeads: H, numKeyValueHeads: K, headDim: D } = this.config;
    const project = (name: string) => linearLayer(x, this.parameters.linear(`${prefix}.${name}`));
    if (!this.traits.joined) return [project("q_proj"), project("k_proj"), project("v_proj")];
    return splitColumns(project("qkv_proj"), [H * D, K * D, K * D] as const);
  }

  /** Queries or keys [N, heads D] through their norm, where they have one. */
  #headNorm(x: tf.Tensor2D, heads: number, name: string): tf.Tensor2D {
    const { queryKeyNorms } = this.traits;
    if (queryKeyNorms === undefined) return x;
    if (queryKeyNorms === "all") return this.#norm(x, name);
    const [N, width] = x.shape;
    return this.#norm(tf.reshape(x, [N * heads, width / heads]), name);
  }

  #norm(x: tf.Tensor2D, name: string): tf.Tensor2D {
    const weight = this.parameters.vector(`${name}.weight`);
    return rmsNorm(x, weight, this.config.rmsNormEps, this.traits.normOffset);
  }

  #mlp(x: tf.Tensor2D, layer: number): tf.Tensor2D {
    const weights = (name: string) => this.parameters.linear(`${layerPrefix(layer)}.mlp.${name}`);
    const down = weights("down_proj");
    const into = this.traits.joined
      ? { gateUp: weights("gate_up_proj") }
      : { gate: weights("gate_proj"), up: weights("up_proj") };
    return gatedMlp(x, { ...into, down }, this.config.hiddenAct);
  }
}
