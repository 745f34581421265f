/**
 * How byte-level tokenizers cut text before merging: the names that llama.cpp gives the ways
 * (tokenizer.ggml.pre), and the same ways as tokenizer.json spells them. One table, read both ways.
 */

import { canonicalJson, type Json, type JsonObject } from "../../base/json.ts";

/** A way to cut text. */
export interface PreTokenizer {
  /** llama.cpp's names; the first is written. */
  readonly names: readonly string[];
  /** tokenizer.json's pre_tokenizer. */
  readonly json: JsonObject;
  /** tokenizer.json's normalizer: what the models of this name have, and llama.cpp does not do. */
  readonly normalizer: JsonObject | null;
  /** Whether a piece that is a token is taken whole, whatever the merges say. */
  readonly ignoreMerges: boolean;
  /** Whether BOS is put before a text unless the file says otherwise. */
  readonly addBos: boolean;
}

const split = (pattern: string): JsonObject => ({
  type: "Split",
  pattern: { Regex: pattern },
  behavior: "Isolated",
  invert: false,
});

const byteLevel = (useRegex: boolean): JsonObject => ({
  type: "ByteLevel",
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: useRegex,
});

const sequence = (...pretokenizers: JsonObject[]): JsonObject => ({
  type: "Sequence",
  pretokenizers,
});

const GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)";

/** What GPT-4's tokenizer began and Llama 3 and Qwen took over; they differ in their digits. */
const gpt4 = (digits: string): string =>
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" + digits +
  "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

const PLAIN = { normalizer: null, ignoreMerges: false, addBos: false };
const LLAMA3 = sequence(split(gpt4("\\p{N}{1,3}")), byteLevel(false));

const PRE_TOKENIZERS: readonly PreTokenizer[] = [
  { ...PLAIN, names: ["gpt-2", "phi-2", "mpt", "olmo", "jais"], json: byteLevel(true) },
  {
    ...PLAIN,
    names: ["smollm", "starcoder", "refact", "command-r", "codeshell", "exaone"],
    json: sequence({ type: "Digits", individual_digits: true }, byteLevel(true)),
  },
  {
    names: ["llama-bpe", "llama3", "llama-v3"],
    json: LLAMA3,
    normalizer: null,
    ignoreMerges: true,
    addBos: true,
  },
  { ...PLAIN, names: ["dbrx", "smaug-bpe"], json: LLAMA3 },
  {
    ...PLAIN,
    names: ["qwen2"],
    json: sequence(split(gpt4("\\p{N}")), byteLevel(false)),
    normalizer: { type: "NFC" },
  },
  {
    ...PLAIN,
    names: ["stablelm2", "deepseek-r1-qwen"],
    json: sequence(split(gpt4("\\p{N}")), byteLevel(false)),
  },
  {
    ...PLAIN,
    names: ["default"],
    json: sequence(
      split("[\\p{P}\\$\\+<=>\\^~\\|]+"),
      split(GPT2),
      split("\\p{N}+"),
      split("[0-9][0-9][0-9]"),
      byteLevel(false),
    ),
  },
];

/** Every name that is known, for messages. */
export const PRE_TOKENIZER_NAMES: readonly string[] = PRE_TOKENIZERS.flatMap(({ names }) => names);

/** The way that llama.cpp calls `name`. */
export function preTokenizerNamed(name: string): PreTokenizer | undefined {
  return PRE_TOKENIZERS.find(({ names }) => names.includes(name));
}

/** The way that a tokenizer.json cuts text, or undefined where llama.cpp has no name for it. */
export function preTokenizerOf(tokenizer: JsonObject): PreTokenizer | undefined {
  const model = tokenizer.model as JsonObject;
  const key = keyOf(tokenizer.pre_tokenizer ?? null, tokenizer.normalizer ?? null);
  return PRE_TOKENIZERS.find(({ json, normalizer, ignoreMerges }) =>
    key === keyOf(json, normalizer) && ignoreMerges === (model.ignore_merges === true)
  );
}

/** What two spellings of the same way have in common. */
function keyOf(preTokenizer: Json, normalizer: Json): string {
  const parts = preTokenizer !== null && typeof preTokenizer === "object" &&
      !Array.isArray(preTokenizer) && preTokenizer.type === "Sequence"
    ? preTokenizer.pretokenizers as Json[]
    : [preTokenizer];
  const same = parts.map((part) => {
    const { trim_offsets: _, ...rest } = part as JsonObject ?? {};
    return rest.type === "ByteLevel" ? { use_regex: true, ...rest } : rest;
  });
  return canonicalJson([same, normalizer]);
}
