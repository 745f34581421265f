/**
 * A model's tokenizer: text to ids and back, its special tokens, and whether it begins texts with
 * BOS. Gives the ids that Hugging Face's Rust tokenizers gives. It knows nothing of pairs.
 */

import type { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import type { Json, JsonObject } from "../base/json.ts";
import { OddsmithError } from "../base/error.ts";
import { BpeEncoder } from "./bpe_encoder.ts";
import { tokenizerInvalid, tokenizerUnsupported, unknownCharacter } from "./errors.ts";
import { tokenizerFault } from "./check_tokenizer.ts";
import { buildExactTokenizer } from "./exact_library.ts";
import { readTokenizerFiles, specialTokenText, type TokenizerFiles } from "./tokenizer_files.ts";

/** A loaded tokenizer. */
export interface Tokenizer {
  /**
   * Gives the ids of a text; special tokens written in the text are recognised. With
   * `addSpecialTokens` (default false) BOS and EOS are put around it where the model's own
   * tokenizer would.
   */
  encode(text: string, options?: { addSpecialTokens?: boolean }): number[];
  /**
   * Gives the ids of a beginning followed by each of several endings: those of `encode` on the
   * joined texts, for less work.
   */
  encodeEndings(beginning: string, endings: readonly string[]): number[][];
  /** Gives the text of ids; `skipSpecialTokens` (default false) leaves special tokens out. */
  decode(ids: readonly number[], options?: { skipSpecialTokens?: boolean }): string;
  /** A token as the vocabulary spells it, e.g. "Ġworld" or "<0x0A>"; "" for an unknown id. */
  tokenText(id: number): string;
  /** The id of a token spelled as the vocabulary spells it. */
  tokenId(token: string): number | undefined;
  /** Whether an id is that of white space alone, or of nothing that decodes. */
  isBlank(id: number): boolean;
  /** Whether an id is a special token's. */
  isSpecial(id: number): boolean;
  /** The highest id plus 1. */
  readonly vocabSize: number;
  /** config.json's vocab_size: the rows of the model's embedding. */
  readonly modelVocabSize?: number;
  /** config.json's max_position_embeddings, GPT-2's n_positions. */
  readonly maxPositions?: number;
  /** What begins a text, where `addBos` says so. */
  readonly bosTokenId?: number;
  /** What ends an answer in training. */
  readonly eosTokenId?: number;
  /** All that end a generation: `eosTokenId` and those of generation_config.json or config.json. */
  readonly eosTokenIds: readonly number[];
  /** What fills up short rows elsewhere; nothing here needs it. */
  readonly padTokenId?: number;
  /** Whether the model's own tokenizer puts BOS before a text. */
  readonly addBos: boolean;
  /** Whether the model's own tokenizer puts EOS after a text. */
  readonly addEos: boolean;
  /** The default chat template, Jinja. */
  readonly chatTemplate?: string;
  /** All chat templates by name. */
  readonly chatTemplates: ReadonlyMap<string, string>;
  /** The variables chat templates see: bos_token, eos_token, pad_token, unk_token and others. */
  readonly specialTokens: Readonly<Record<string, string>>;
}

/**
 * Loads the tokenizer of a Hugging Face folder.
 *
 * BOS is added as tokenizer_config.json's `add_bos_token` says, and where it says nothing, as the
 * post-processor of tokenizer.json does. EOS is `eos_token` of tokenizer_config.json or
 * special_tokens_map.json, then `eos_token_id` of generation_config.json, then of config.json.
 *
 * @throws TextError TOKENIZER_MISSING, TOKENIZER_INVALID, TOKENIZER_UNSUPPORTED.
 */
export async function loadTokenizer(dir: string): Promise<Tokenizer> {
  return tokenizerOf(await readTokenizerFiles(dir));
}

/**
 * Makes the tokenizer of files that were read; as `loadTokenizer`.
 *
 * @throws TextError TOKENIZER_INVALID, TOKENIZER_UNSUPPORTED.
 */
export function tokenizerOf(files: TokenizerFiles): Tokenizer {
  return new HuggingFaceTokenizer(files);
}

class HuggingFaceTokenizer implements Tokenizer {
  readonly #library: LibraryTokenizer;
  /** Made when first needed: many callers want the special tokens alone. Null: the library's job. */
  #bpe: BpeEncoder | null | undefined;
  readonly #file: string;
  readonly #tokenizerJson: JsonObject;
  readonly #special: ReadonlySet<number>;
  readonly #blank = new Map<number, boolean>();
  readonly vocabSize: number;
  readonly modelVocabSize?: number;
  readonly maxPositions?: number;
  readonly bosTokenId?: number;
  readonly eosTokenId?: number;
  readonly eosTokenIds: readonly number[];
  readonly padTokenId?: number;
  readonly addBos: boolean;
  readonly addEos: boolean;
  readonly chatTemplate?: string;
  readonly chatTemplates: ReadonlyMap<string, string>;
  readonly specialTokens: Readonly<Record<string, string>>;

  constructor(files: TokenizerFiles) {
    const { config, generationConfig, modelConfig } = files;
    this.#library = buildLibrary(files);
    this.#file = files.file;
    this.#tokenizerJson = files.tokenizer;
    const added = [...this.#library.get_added_tokens_decoder().values()];
    this.#special = new Set(added.filter((token) => token.special).map((token) => token.id));
    this.vocabSize = highestId(this.#library) + 1;
    this.modelVocabSize = numberOf(modelConfig.vocab_size);
    this.maxPositions = numberOf(modelConfig.max_position_embeddings ?? modelConfig.n_positions);

    const idOf = (name: string) => {
      const text = specialTokenText(config[`${name}_token`]);
      const named = text === undefined ? undefined : this.tokenId(text);
      const key = `${name}_token_id`;
      return named ?? idsOf(generationConfig[key])[0] ?? idsOf(modelConfig[key])[0];
    };
    const around = tried(files.file, () => probePostProcessor(this.#library, files.file));
    this.bosTokenId = idOf("bos") ?? around.before;
    this.eosTokenId = idOf("eos");
    this.padTokenId = idOf("pad");
    const generationEos = generationConfig.eos_token_id ?? modelConfig.eos_token_id;
    this.eosTokenIds = [
      ...new Set([
        ...(this.eosTokenId === undefined ? [] : [this.eosTokenId]),
        ...idsOf(generationEos),
      ]),
    ];
    this.addBos = this.bosTokenId !== undefined &&
      (booleanOf(config.add_bos_token) ?? around.before !== undefined);
    this.addEos = this.eosTokenId !== undefined &&
      (booleanOf(config.add_eos_token) ?? around.after !== undefined);

    this.chatTemplates = files.chatTemplates;
    this.chatTemplate = files.chatTemplates.get("default");
    this.specialTokens = this.#templateTokens(files);
  }

  encode(text: string, options: { addSpecialTokens?: boolean } = {}): number[] {
    const ids = this.#encoder()?.encode(text) ?? this.#encodeByLibrary(text);
    if (!options.addSpecialTokens) return ids;
    return [
      ...(this.addBos ? [this.bosTokenId!] : []),
      ...ids,
      ...(this.addEos ? [this.eosTokenId!] : []),
    ];
  }

  encodeEndings(beginning: string, endings: readonly string[]): number[][] {
    return this.#encoder()?.encodeEndings(beginning, endings) ??
      endings.map((ending) => this.#encodeByLibrary(beginning + ending));
  }

  decode(ids: readonly number[], options: { skipSpecialTokens?: boolean } = {}): string {
    const kept = ids.filter((id) =>
      this.#library.id_to_token(id) !== undefined &&
      !(options.skipSpecialTokens && this.#special.has(id))
    );
    return kept.length === 0 ? "" : this.#library.decode(kept);
  }

  tokenText(id: number): string {
    return this.#library.id_to_token(id) ?? "";
  }

  tokenId(token: string): number | undefined {
    return this.#library.token_to_id(token);
  }

  isBlank(id: number): boolean {
    let isBlank = this.#blank.get(id);
    if (isBlank === undefined) {
      isBlank = this.decode([id]).trim() === "";
      this.#blank.set(id, isBlank);
    }
    return isBlank;
  }

  isSpecial(id: number): boolean {
    return this.#special.has(id);
  }

  #encoder(): BpeEncoder | null {
    if (this.#bpe === undefined) {
      const encoder = () => BpeEncoder.of(this.#tokenizerJson, this.#library);
      this.#bpe = tried(this.#file, encoder) ?? null;
    }
    return this.#bpe;
  }

  #encodeByLibrary(text: string): number[] {
    const { ids } = this.#library.encode(text, { add_special_tokens: false });
    if (hasUnknown(ids)) throw unknownCharacter(this.#firstUnknown(text));
    return ids;
  }

  #firstUnknown(text: string): string {
    const unknown = (character: string) =>
      hasUnknown(this.#library.encode(character, { add_special_tokens: false }).ids);
    return [...text].find(unknown) ?? text;
  }

  /** Every "*_token" of the configuration; BOS and EOS known only by id are spelled out. */
  #templateTokens({ config }: TokenizerFiles): Record<string, string> {
    const tokens: Record<string, string> = {};
    if (this.bosTokenId !== undefined) tokens.bos_token = this.tokenText(this.bosTokenId);
    if (this.eosTokenId !== undefined) tokens.eos_token = this.tokenText(this.eosTokenId);
    for (const [key, value] of Object.entries(config)) {
      const text = key.endsWith("_token") ? specialTokenText(value) : undefined;
      if (text !== undefined) tokens[key] = text;
    }
    return tokens;
  }
}

/** The library gives undefined, or null, where neither a token nor an unknown token fits. */
function hasUnknown(ids: readonly (number | undefined | null)[]): boolean {
  return ids.includes(undefined) || ids.includes(null);
}

function buildLibrary(files: TokenizerFiles): LibraryTokenizer {
  const library = tried(files.file, () => {
    const fault = tokenizerFault(files.tokenizer);
    if (fault !== undefined) throw new Error(fault);
    return buildExactTokenizer(files.tokenizer, specialTokenText(files.config.eos_token));
  });
  if (highestId(library) < 0) throw tokenizerInvalid(files.file, "its vocabulary is empty");
  return library;
}

/** Does what fails where a tokenizer.json makes no sense. @throws TextError TOKENIZER_INVALID. */
function tried<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof OddsmithError) throw cause;
    // What the engine says of a library that went astray tells nobody what is wrong.
    const isAstray = cause instanceof TypeError || cause instanceof RangeError;
    const reason = isAstray ? "its parts do not fit together" : (cause as Error).message;
    throw tokenizerInvalid(file, reason, cause);
  }
}

function highestId(library: LibraryTokenizer): number {
  return (library.model?.vocab.length ?? 0) - 1;
}

/** Finds what the post-processor puts before and after a text, by trying it on one that has ids. */
function probePostProcessor(
  library: LibraryTokenizer,
  file: string,
): { before?: number; after?: number } {
  const idsWithout = (text: string) => library.encode(text, { add_special_tokens: false }).ids;
  const text = ["a", "0", " ", library.decode([0])].find((text) => idsWithout(text).length > 0);
  if (text === undefined) return {};
  const plain = idsWithout(text);
  const whole = library.encode(text).ids;
  const extra = whole.length - plain.length;
  if (extra === 0) return {};
  const start = Array.from({ length: extra + 1 }, (_, at) => at)
    .find((at) => plain.every((id, i) => whole[at + i] === id));
  if (start === undefined || start > 1 || extra - start > 1) {
    throw tokenizerUnsupported(
      file,
      `its post-processor puts ${extra} tokens around a text; one before and one after are known`,
    );
  }
  return {
    before: start === 1 ? whole[0] : undefined,
    after: extra > start ? whole.at(-1) : undefined,
  };
}

function idsOf(value: Json | undefined): number[] {
  const values = Array.isArray(value) ? value : [value];
  return values.filter((id) => typeof id === "number" && id >= 0) as number[];
}

function numberOf(value: Json | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function booleanOf(value: Json | undefined): boolean | undefined {
  return typeof value === "boolean" ? value : undefined;
}
