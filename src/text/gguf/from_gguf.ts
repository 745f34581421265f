/**
 * Makes a Hugging Face tokenizer of a GGUF file's metadata: byte-level BPE ("gpt2") and SentencePiece
 * BPE ("llama"), with special tokens and chat templates. Ids equal llama.cpp's.
 */

import type { Json, JsonObject } from "../../base/json.ts";
import { GgufFields } from "../../weights/gguf_fields.ts";
import type { GgufMetadata } from "../../weights/gguf_types.ts";
import { ggufTokenizer } from "../errors.ts";
import { PRE_TOKENIZER_NAMES, preTokenizerNamed } from "./pre_tokenizers.ts";
import { mergesOf } from "./sentencepiece.ts";
import { TOKEN_TYPE } from "./token_types.ts";

/** A tokenizer as files, and the ids that belong into config.json and generation_config.json. */
export interface ConvertedTokenizer {
  /** tokenizer.json and tokenizer_config.json, by name. */
  readonly files: Readonly<Record<string, string>>;
  /** Tokens there are. */
  readonly vocabSize: number;
  readonly bosTokenId?: number;
  /** All that end a generation; the first ends a training answer. */
  readonly eosTokenIds: readonly number[];
  readonly padTokenId?: number;
}

/** A vocabulary with what is known of each token. */
interface Vocabulary {
  readonly tokens: readonly string[];
  readonly types: readonly number[];
  readonly fields: GgufFields;
}

/** The parts of tokenizer.json that the two kinds of tokenizers differ in. */
interface Parts {
  readonly normalizer: Json;
  readonly preTokenizer: Json;
  readonly decoder: Json;
  readonly model: JsonObject;
  /** Unless the metadata says otherwise. */
  readonly addBos: boolean;
}

/** SentencePiece's pieces have 16 characters, runs of spaces more; each way to split one is tried. */
const LONGEST_PIECE = 512;

/**
 * Converts a file's tokenizer.
 *
 * @param file For messages.
 * @throws {OddsmithError} TextError GGUF_TOKENIZER for a kind that is not read; WeightsError
 * MISSING_KEY or BAD_VALUE for metadata that is not what it should be.
 */
export function tokenizerFromGguf(file: string, metadata: GgufMetadata): ConvertedTokenizer {
  const fields = new GgufFields(file, metadata);
  const kind = fields.string("tokenizer.ggml.model");
  const vocabulary = readVocabulary(fields);
  const parts = partsOf(kind, vocabulary);
  const id = (name: string) => specialId(vocabulary, `tokenizer.ggml.${name}_token_id`);
  const [bos, eos, unk, pad] = [id("bos"), id("eos"), id("unknown"), id("padding")];
  const addBos = bos !== undefined && fields.flag("tokenizer.ggml.add_bos_token", parts.addBos);
  const addEos = eos !== undefined && fields.flag("tokenizer.ggml.add_eos_token", false);
  const text = (id: number | undefined) => id === undefined ? null : vocabulary.tokens[id]!;
  const tokenizer: JsonObject = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: addedTokens(vocabulary),
    normalizer: parts.normalizer,
    pre_tokenizer: parts.preTokenizer,
    post_processor: postProcessor(vocabulary, addBos ? bos : undefined, addEos ? eos : undefined),
    decoder: parts.decoder,
    model: parts.model,
  };
  const config: JsonObject = {
    tokenizer_class: "PreTrainedTokenizerFast",
    bos_token: text(bos),
    eos_token: text(eos),
    unk_token: text(unk),
    pad_token: text(pad),
    add_bos_token: addBos,
    add_eos_token: addEos,
    clean_up_tokenization_spaces: false,
    ...chatTemplates(fields),
  };
  const ends = [eos, id("eot"), id("eom")].filter((id) => id !== undefined);
  return {
    files: {
      "tokenizer.json": JSON.stringify(tokenizer),
      "tokenizer_config.json": JSON.stringify(config, null, 2) + "\n",
    },
    vocabSize: vocabulary.tokens.length,
    bosTokenId: bos,
    eosTokenIds: [...new Set(ends)],
    padTokenId: pad,
  };
}

function readVocabulary(fields: GgufFields): Vocabulary {
  const tokens = fields.strings("tokenizer.ggml.tokens");
  const types = fields.numbers(
    "tokenizer.ggml.token_type",
    tokens.map(() => TOKEN_TYPE.NORMAL),
  );
  if (types.length !== tokens.length) {
    throw ggufTokenizer(fields.file, `it has ${tokens.length} tokens and ${types.length} types`);
  }
  const ids = new Map<string, number>();
  for (const [id, token] of tokens.entries()) {
    const first = ids.get(token);
    if (first !== undefined) {
      throw ggufTokenizer(fields.file, `its tokens ${first} and ${id} are both "${token}"`);
    }
    ids.set(token, id);
  }
  return { tokens, types, fields };
}

function partsOf(kind: string, vocabulary: Vocabulary): Parts {
  if (kind === "gpt2") return byteLevelParts(vocabulary);
  if (kind === "llama") return sentencePieceParts(vocabulary);
  const { file } = vocabulary.fields;
  throw ggufTokenizer(file, `it is of the kind "${kind}"; "gpt2" and "llama" are read`);
}

function byteLevelParts({ tokens, fields }: Vocabulary): Parts {
  const name = fields.string("tokenizer.ggml.pre", "default");
  const pre = preTokenizerNamed(name);
  if (!pre) {
    const known = PRE_TOKENIZER_NAMES.join(", ");
    throw ggufTokenizer(fields.file, `its pre-tokenizer is "${name}"; known are: ${known}`);
  }
  const merges = fields.strings("tokenizer.ggml.merges").map((merge) => {
    // From the second character on, as llama.cpp looks for it.
    const at = merge.indexOf(" ", 1);
    if (at < 0) throw ggufTokenizer(fields.file, `"${merge}" is no merge of two tokens`);
    return [merge.slice(0, at), merge.slice(at + 1)];
  });
  return {
    normalizer: pre.normalizer,
    preTokenizer: pre.json,
    decoder: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    model: bpe(tokens, merges, { ignore_merges: pre.ignoreMerges }),
    addBos: pre.addBos,
  };
}

function sentencePieceParts({ tokens, types, fields }: Vocabulary): Parts {
  const scores = fields.numbers("tokenizer.ggml.scores");
  if (scores.length !== tokens.length) {
    throw ggufTokenizer(fields.file, `it has ${tokens.length} tokens and ${scores.length} scores`);
  }
  const joinable = (id: number) =>
    types[id] === TOKEN_TYPE.NORMAL || types[id] === TOKEN_TYPE.USER_DEFINED;
  const long = tokens.findIndex((token) => token.length > LONGEST_PIECE);
  if (long >= 0) {
    throw ggufTokenizer(fields.file, `token ${long} has ${tokens[long]!.length} characters`);
  }
  const pieces = tokens
    .map((text, id) => ({ text, score: scores[id]! }))
    .filter((_, id) => joinable(id));
  const unknown = types.indexOf(TOKEN_TYPE.UNKNOWN);
  const prefix = fields.flag("tokenizer.ggml.add_space_prefix", true);
  const space = { type: "Replace", pattern: { String: " " }, content: "▁" };
  const decoders: Json[] = [
    { type: "Replace", pattern: { String: "▁" }, content: " " },
    { type: "ByteFallback" },
    { type: "Fuse" },
  ];
  if (prefix) decoders.push({ type: "Strip", content: " ", start: 1, stop: 0 });
  return {
    normalizer: prefix
      ? { type: "Sequence", normalizers: [{ type: "Prepend", prepend: "▁" }, space] }
      : space,
    preTokenizer: null,
    decoder: { type: "Sequence", decoders },
    model: bpe(tokens, mergesOf(pieces).map(([left, right]) => [left, right]), {
      unk_token: tokens[unknown] ?? null,
      fuse_unk: true,
      byte_fallback: true,
    }),
    addBos: true,
  };
}

function bpe(tokens: readonly string[], merges: string[][], more: JsonObject): JsonObject {
  return {
    type: "BPE",
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    ...more,
    vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    merges,
  };
}

/** What is found in a text before it is cut: special tokens, and those the makers defined. */
function addedTokens({ tokens, types }: Vocabulary): JsonObject[] {
  const special = new Set<number>([TOKEN_TYPE.CONTROL, TOKEN_TYPE.UNKNOWN]);
  return tokens
    .map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: special.has(types[id]!),
    }))
    .filter(({ id, content, special }) =>
      content !== "" && (special || types[id] === TOKEN_TYPE.USER_DEFINED)
    );
}

function postProcessor({ tokens }: Vocabulary, bos?: number, eos?: number): JsonObject | null {
  if (bos === undefined && eos === undefined) return null;
  const special = (id: number | undefined, type: number): JsonObject[] =>
    id === undefined ? [] : [{ SpecialToken: { id: tokens[id]!, type_id: type } }];
  const around = (name: string, type: number): JsonObject[] => [
    ...special(bos, type),
    { Sequence: { id: name, type_id: type } },
    ...special(eos, type),
  ];
  const used = [bos, eos].filter((id) => id !== undefined);
  return {
    type: "TemplateProcessing",
    single: around("A", 0),
    pair: [...around("A", 0), ...around("B", 1)],
    special_tokens: Object.fromEntries(used.map((id) => {
      const token = tokens[id]!;
      return [token, { id: token, ids: [id], tokens: [token] }];
    })),
  };
}

function specialId({ tokens, fields }: Vocabulary, key: string): number | undefined {
  if (!fields.has(key)) return undefined;
  const id = fields.count(key);
  if (id >= tokens.length) {
    throw ggufTokenizer(fields.file, `"${key}" is ${id}, it has ${tokens.length} tokens`);
  }
  return id;
}

function chatTemplates(fields: GgufFields): JsonObject {
  const key = "tokenizer.chat_template";
  if (!fields.has(key)) return {};
  const main = fields.string(key);
  const names = fields.strings("tokenizer.chat_templates", []);
  if (names.length === 0) return { chat_template: main };
  const others = names.map((name) => ({ name, template: fields.string(`${key}.${name}`) }));
  return { chat_template: [{ name: "default", template: main }, ...others] };
}
