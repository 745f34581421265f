/**
 * A byte-level tokenizer of our own, for models that start from a seed: one id a byte, six special
 * tokens after them, a short chat template. Written as Hugging Face files, so that transformers and
 * this project read the same thing. Invariant: the id of a byte is the byte.
 */

import { BYTE_CHARACTERS } from "./byte_characters.ts";

/** The special tokens of the byte-level tokenizer, in the order of their ids, from 256 on. */
export const BYTE_SPECIAL_TOKENS = [
  "<|bos|>",
  "<|eos|>",
  "<|pad|>",
  "<|system|>",
  "<|user|>",
  "<|assistant|>",
] as const;

/** The size of the byte-level vocabulary: 256 bytes and the special tokens. */
export const BYTE_VOCAB_SIZE: number = 256 + BYTE_SPECIAL_TOKENS.length;

/** A turn is its role's token and the text; the end-of-sequence token closes every answer. */
const CHAT_TEMPLATE = [
  "{{ bos_token }}",
  "{% for message in messages %}",
  "{% if message['role'] not in ['system', 'user', 'assistant'] %}",
  "{{ raise_exception('role ' + message['role'] + ' is none of system, user, assistant') }}",
  "{% endif %}",
  "{{ '<|' + message['role'] + '|>' + message['content'] }}",
  "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}",
  "{% endfor %}",
  "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}",
].join("");

function tokenizerJson(): string {
  const vocab = Object.fromEntries(BYTE_CHARACTERS.map((character, byte) => [character, byte]));
  const byteLevel = {
    type: "ByteLevel",
    add_prefix_space: false,
    trim_offsets: false,
    use_regex: true,
  };
  const [bos] = BYTE_SPECIAL_TOKENS;
  const bosThenText = [
    { SpecialToken: { id: bos, type_id: 0 } },
    { Sequence: { id: "A", type_id: 0 } },
  ];
  return JSON.stringify({
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: BYTE_SPECIAL_TOKENS.map((content, at) => ({
      id: 256 + at,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: {
      type: "TemplateProcessing",
      single: bosThenText,
      pair: [...bosThenText, { Sequence: { id: "B", type_id: 0 } }],
      special_tokens: { [bos]: { id: bos, ids: [256], tokens: [bos] } },
    },
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges: [],
    },
  });
}

function tokenizerConfigJson(): string {
  const [bos, eos, pad] = BYTE_SPECIAL_TOKENS;
  return JSON.stringify(
    {
      tokenizer_class: "PreTrainedTokenizerFast",
      bos_token: bos,
      eos_token: eos,
      pad_token: pad,
      add_bos_token: true,
      add_eos_token: false,
      clean_up_tokenization_spaces: false,
      chat_template: CHAT_TEMPLATE,
    },
    null,
    2,
  ) + "\n";
}

/**
 * Gives the files of the byte-level tokenizer, by name: tokenizer.json and tokenizer_config.json.
 *
 * @example
 * ```ts
 * import { byteTokenizerFiles } from "./byte_tokenizer.ts";
 * console.assert("tokenizer.json" in byteTokenizerFiles());
 * ```
 */
export function byteTokenizerFiles(): Record<string, string> {
  return {
    "tokenizer.json": tokenizerJson(),
    "tokenizer_config.json": tokenizerConfigJson(),
  };
}
