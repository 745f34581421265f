/**
 * llama.cpp's architectures beside Hugging Face's: how each names configuration and tensors, and in
 * which order or form it keeps a tensor's numbers. A table read both ways; it computes nothing.
 */

/** A configuration value under its two names; GGUF's comes after "<architecture>.". */
export interface ConfigField {
  readonly hf: string;
  readonly gguf: string;
  readonly type: "uint32" | "float32";
  /** What absence means; "absent" where it is then absent on the other side too. */
  readonly fallback?: number | "absent";
}

/** How a tensor's numbers differ; see changes.ts. */
export type Change = "none" | "rotary" | "plusOne" | "transposed";

/** One of llama.cpp's architectures. */
export interface GgufArchitecture {
  /** general.architecture. */
  readonly name: string;
  /** The model_types that it holds; the first is read. */
  readonly modelTypes: readonly string[];
  /** What transformers calls the class. */
  readonly className: string;
  readonly fields: readonly ConfigField[];
  /** config.json's values that the file does not say: all of its models have them. */
  readonly constants: Readonly<Record<string, unknown>>;
  /** Blocks attend within the window, but for each that is a multiple of this, counted from 1. */
  readonly slidingUntilEvery?: number;
  /** Hugging Face's prefix of a block's tensors, before the block's number. */
  readonly blockPrefix: string;
  /** GGUF's names to Hugging Face's, without ".weight"; those of a block without its prefix. */
  readonly tensors: Readonly<Record<string, string>>;
  readonly blockTensors: Readonly<Record<string, string>>;
  /** How the numbers of a tensor, by GGUF's name without block, differ. */
  readonly change: (name: string) => Change;
}

const field = (
  hf: string,
  gguf: string,
  type: ConfigField["type"] = "uint32",
  fallback?: ConfigField["fallback"],
): ConfigField => ({ hf, gguf, type, fallback });

const DECODER_FIELDS: readonly ConfigField[] = [
  field("max_position_embeddings", "context_length"),
  field("hidden_size", "embedding_length"),
  field("num_hidden_layers", "block_count"),
  field("intermediate_size", "feed_forward_length"),
  field("num_attention_heads", "attention.head_count"),
  field("rms_norm_eps", "attention.layer_norm_rms_epsilon", "float32", 1e-6),
];

const WINDOW = field("sliding_window", "attention.sliding_window", "uint32", "absent");

const DECODER_TENSORS = {
  "token_embd": "model.embed_tokens",
  "output_norm": "model.norm",
  "output": "lm_head",
};

const ATTENTION = {
  "attn_q": "self_attn.q_proj",
  "attn_k": "self_attn.k_proj",
  "attn_v": "self_attn.v_proj",
  "attn_output": "self_attn.o_proj",
};

const QK_NORMS = { "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm" };

const MLP = { "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj" };

const NORMS = { "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm" };

const FOUR_NORMS = {
  "attn_norm": "input_layernorm",
  "post_attention_norm": "post_attention_layernorm",
  "ffn_norm": "pre_feedforward_layernorm",
  "post_ffw_norm": "post_feedforward_layernorm",
};

const asIs = (): Change => "none";
/** llama.cpp rotates neighbouring channels in these where Hugging Face rotates the halves. */
const rotary = (name: string): Change => /^attn_[qk]\./.test(name) ? "rotary" : "none";
/** Gemma's norms scale by 1 + weight; the file holds the sum. */
const plusOne = (name: string): Change => name.endsWith("norm.weight") ? "plusOne" : "none";
/** GPT-2's matrices are [in, out] in Hugging Face's checkpoints. */
const transposed = (name: string): Change =>
  /^(attn_qkv|attn_output|ffn_up|ffn_down)\.weight$/.test(name) ? "transposed" : "none";

const DECODER = {
  fields: DECODER_FIELDS,
  constants: { hidden_act: "silu" },
  blockPrefix: "model.layers.",
  tensors: DECODER_TENSORS,
  blockTensors: { ...NORMS, ...ATTENTION, ...MLP },
  change: asIs,
};

const GEMMA = {
  ...DECODER,
  constants: { hidden_activation: "gelu_pytorch_tanh" },
  change: plusOne,
};

/** Every architecture that is read and written. */
export const GGUF_ARCHITECTURES: readonly GgufArchitecture[] = [
  {
    ...DECODER,
    name: "llama",
    modelTypes: ["llama", "mistral"],
    className: "LlamaForCausalLM",
    change: rotary,
  },
  {
    ...DECODER,
    name: "qwen2",
    modelTypes: ["qwen2"],
    className: "Qwen2ForCausalLM",
    constants: { hidden_act: "silu", use_sliding_window: false },
  },
  {
    ...DECODER,
    name: "qwen3",
    modelTypes: ["qwen3"],
    className: "Qwen3ForCausalLM",
    constants: { hidden_act: "silu", use_sliding_window: false, attention_bias: false },
    blockTensors: { ...NORMS, ...ATTENTION, ...QK_NORMS, ...MLP },
  },
  {
    ...GEMMA,
    name: "gemma2",
    slidingUntilEvery: 2,
    modelTypes: ["gemma2"],
    className: "Gemma2ForCausalLM",
    fields: [
      ...DECODER_FIELDS,
      field("attn_logit_softcapping", "attn_logit_softcapping", "float32", 50),
      field("final_logit_softcapping", "final_logit_softcapping", "float32", 30),
      { ...WINDOW, fallback: 4096 },
    ],
    blockTensors: { ...FOUR_NORMS, ...ATTENTION, ...MLP },
  },
  {
    ...GEMMA,
    name: "gemma3",
    slidingUntilEvery: 6,
    modelTypes: ["gemma3_text"],
    className: "Gemma3ForCausalLM",
    fields: [
      ...DECODER_FIELDS,
      { ...WINDOW, fallback: 4096 },
      field("rope_local_base_freq", "rope.freq_base_swa", "float32", 10_000),
    ],
    constants: { ...GEMMA.constants, sliding_window_pattern: 6 },
    blockTensors: { ...FOUR_NORMS, ...ATTENTION, ...QK_NORMS, ...MLP },
  },
  {
    ...DECODER,
    name: "phi3",
    modelTypes: ["phi3"],
    className: "Phi3ForCausalLM",
    fields: [...DECODER_FIELDS, WINDOW],
    blockTensors: {
      ...NORMS,
      "attn_qkv": "self_attn.qkv_proj",
      "attn_output": "self_attn.o_proj",
      "ffn_up": "mlp.gate_up_proj",
      "ffn_down": "mlp.down_proj",
    },
  },
  {
    ...DECODER,
    name: "olmo2",
    modelTypes: ["olmo2"],
    className: "Olmo2ForCausalLM",
    constants: { hidden_act: "silu", attention_bias: false },
    blockTensors: {
      "post_attention_norm": "post_attention_layernorm",
      "post_ffw_norm": "post_feedforward_layernorm",
      ...ATTENTION,
      ...QK_NORMS,
      ...MLP,
    },
  },
  {
    ...DECODER,
    name: "smollm3",
    modelTypes: ["smollm3"],
    className: "SmolLM3ForCausalLM",
    constants: { hidden_act: "silu", use_sliding_window: false, no_rope_layer_interval: 4 },
    change: rotary,
  },
  {
    name: "gpt2",
    modelTypes: ["gpt2"],
    className: "GPT2LMHeadModel",
    fields: [
      field("n_positions", "context_length"),
      field("n_embd", "embedding_length"),
      field("n_layer", "block_count"),
      field("n_inner", "feed_forward_length", "uint32", "absent"),
      field("n_head", "attention.head_count"),
      field("layer_norm_epsilon", "attention.layer_norm_epsilon", "float32", 1e-5),
    ],
    constants: { activation_function: "gelu_new" },
    blockPrefix: "transformer.h.",
    tensors: {
      "token_embd": "transformer.wte",
      "position_embd": "transformer.wpe",
      "output_norm": "transformer.ln_f",
      "output": "lm_head",
    },
    blockTensors: {
      "attn_norm": "ln_1",
      "attn_qkv": "attn.c_attn",
      "attn_output": "attn.c_proj",
      "ffn_norm": "ln_2",
      "ffn_up": "mlp.c_fc",
      "ffn_down": "mlp.c_proj",
    },
    change: transposed,
  },
];

/** A tensor under its two names. */
export interface TensorName {
  readonly gguf: string;
  readonly hf: string;
  readonly change: Change;
}

/** The tensor that GGUF calls `name`, or undefined where the architecture has none. */
export function tensorFromGguf(arch: GgufArchitecture, name: string): TensorName | undefined {
  const [, block, own, kind] = /^(?:blk\.(\d+)\.)?(.+)\.(weight|bias)$/.exec(name) ?? [];
  const table = block === undefined ? arch.tensors : arch.blockTensors;
  const hf = own !== undefined && Object.hasOwn(table, own) ? table[own] : undefined;
  if (hf === undefined) return undefined;
  const prefix = block === undefined ? "" : `${arch.blockPrefix}${block}.`;
  return { gguf: name, hf: `${prefix}${hf}.${kind}`, change: arch.change(`${own}.${kind}`) };
}

/** The tensor that Hugging Face calls `name`, or undefined where the architecture has none. */
export function tensorFromHf(arch: GgufArchitecture, name: string): TensorName | undefined {
  const parts = /^(.+)\.(weight|bias)$/.exec(name);
  if (!parts) return undefined;
  const [, whole, kind] = parts as unknown as [string, string, string];
  const inBlock = whole.startsWith(arch.blockPrefix)
    ? /^(\d+)\.(.+)$/.exec(whole.slice(arch.blockPrefix.length))
    : null;
  const table = inBlock ? arch.blockTensors : arch.tensors;
  const own = Object.keys(table).find((gguf) => table[gguf] === (inBlock?.[2] ?? whole));
  if (own === undefined) return undefined;
  const prefix = inBlock ? `blk.${inBlock[1]}.` : "";
  return { gguf: `${prefix}${own}.${kind}`, hf: name, change: arch.change(`${own}.${kind}`) };
}
