/**
 * Text to ids for byte-pair tokenizers, quickly: added tokens and merges are ours, on integer ids;
 * normalizers and pre-tokenizers are the tokenizers library's, taken from the tokenizer it built.
 * The library joins tokens as strings and looks each up several times, at about 1 MB/s.
 *
 * Invariant: the ids are those of Hugging Face's Rust library. What of a tokenizer.json is not
 * known for certain to come out the same is not taken: `BpeEncoder.of` gives undefined.
 */

import {
  ByteLevelPreTokenizer,
  type PreTokenizer,
  SequencePreTokenizer,
  type Tokenizer as LibraryTokenizer,
} from "@huggingface/tokenizers";
import type { JsonObject } from "../base/json.ts";
import { type AddedToken, AddedTokenSplitter } from "./added_tokens.ts";
import { Bpe } from "./bpe.ts";

/** What SentencePiece models write for a space. */
const METASPACE = "\u2581";

/** Ends of words that no merge crosses, where none ends in front of a metaspace. */
const METASPACE_WORDS = /\u2581*[^\u2581]+|\u2581+/g;

/** The parts an encoder is made of. */
interface Parts {
  readonly bpe: Bpe;
  readonly library: LibraryTokenizer;
  /** Looked for in the text as it is. */
  readonly added: AddedTokenSplitter;
  /** Looked for in the normalized text; undefined where there are none. */
  readonly addedNormalized: AddedTokenSplitter | undefined;
  /** All but a ByteLevel at the end. */
  readonly preTokenizers: readonly PreTokenizer[];
  readonly byteLevel: ByteLevelPreTokenizer | undefined;
  readonly atMetaspace: boolean;
}

/** What ids are given to one after the other: an added token's id, or a word. */
type Unit = number | string;

/** Gives texts their ids, without BOS or EOS. */
export class BpeEncoder {
  readonly #parts: Parts;

  /** Takes a tokenizer apart; undefined where the library has to do it all. */
  static of(tokenizerJson: JsonObject, library: LibraryTokenizer): BpeEncoder | undefined {
    const parts = takeApart(tokenizerJson as unknown as TokenizerJson, library);
    return parts && new BpeEncoder(parts);
  }

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Gives a text's ids. */
  encode(text: string): number[] {
    const ids: number[] = [];
    this.#add(this.#units(text), 0, ids);
    return ids;
  }

  /** Gives the ids of a beginning with each ending; words that all have in common are done once. */
  encodeEndings(beginning: string, endings: readonly string[]): number[][] {
    const begun = this.#units(beginning);
    const ids: number[] = [];
    const counts = this.#add(begun, 0, ids);
    return endings.map((ending) => {
      if (ending === "") return [...ids];
      const units = this.#units(beginning + ending);
      let shared = 0;
      while (shared < begun.length && begun[shared] === units[shared]) shared++;
      const joined = ids.slice(0, counts[shared]);
      this.#add(units, shared, joined);
      return joined;
    });
  }

  /** Adds the ids of units to `ids`; gives how many it held before each unit, and after all. */
  #add(units: readonly Unit[], from: number, ids: number[]): number[] {
    const { bpe } = this.#parts;
    const counts: number[] = [];
    for (let at = from; at < units.length; at++) {
      const unit = units[at]!;
      counts.push(ids.length);
      if (typeof unit === "number") ids.push(unit);
      else bpe.encode(unit, ids);
    }
    counts.push(ids.length);
    return counts;
  }

  #units(text: string): Unit[] {
    const units: Unit[] = [];
    for (const [index, section] of this.#parts.added.split(text).entries()) {
      if (typeof section === "number") units.push(section);
      else this.#splitSection(section, index, units);
    }
    return units;
  }

  #splitSection(section: string, index: number, units: Unit[]): void {
    const { library: { normalizer }, addedNormalized } = this.#parts;
    const text = normalizer === null ? section : normalizer.normalize(section);
    if (addedNormalized === undefined) return this.#splitPlain(text, index, units);
    const whole = addedNormalized.idOf(section);
    for (const part of whole === undefined ? addedNormalized.split(text) : [whole]) {
      if (typeof part === "number") units.push(part);
      else this.#splitPlain(part, index, units);
    }
  }

  /** Splits a text without added tokens; `index` says which section of the whole text it is. */
  #splitPlain(text: string, index: number, units: Unit[]): void {
    const { preTokenizers, byteLevel, atMetaspace } = this.#parts;
    let words = [text];
    for (const step of preTokenizers) words = step.pre_tokenize(words, { section_index: index });
    for (const word of words) {
      if (byteLevel !== undefined) pushAll(units, byteLevelWords(word, byteLevel));
      else if (atMetaspace) pushAll(units, word.match(METASPACE_WORDS) ?? []);
      else if (word !== "") units.push(word);
    }
  }
}

function pushAll(units: Unit[], words: readonly string[]): void {
  for (let at = 0; at < words.length; at++) units.push(words[at]!);
}

function byteLevelWords(text: string, byteLevel: ByteLevelPreTokenizer): readonly string[] {
  const { add_prefix_space, use_regex, pattern } = byteLevel;
  const whole = add_prefix_space && !text.startsWith(" ") ? " " + text : text;
  if (use_regex) return whole.match(pattern) ?? [];
  return whole === "" ? [] : [whole];
}

/** What is read of tokenizer.json; the library has checked it. */
interface TokenizerJson {
  readonly model: {
    readonly type?: string;
    readonly vocab: Readonly<Record<string, number>>;
    readonly merges: readonly (string | readonly [string, string])[];
    readonly unk_token?: string | null;
    readonly fuse_unk?: boolean;
    readonly byte_fallback?: boolean;
    readonly ignore_merges?: boolean;
    readonly continuing_subword_prefix?: string | null;
    readonly continuing_subword_suffix?: string | null;
    readonly end_of_word_suffix?: string | null;
  };
  readonly added_tokens?: readonly (
    & Pick<AddedToken, "content" | "id">
    & Readonly<
      Partial<Record<"single_word" | "lstrip" | "rstrip" | "normalized" | "special", boolean>>
    >
  )[];
}

function takeApart(json: TokenizerJson, library: LibraryTokenizer): Parts | undefined {
  const { model } = json;
  if (model.type !== "BPE" || library.model === null) return undefined;
  const affixes = [
    model.continuing_subword_prefix,
    model.continuing_subword_suffix,
    model.end_of_word_suffix,
  ];
  if (affixes.some((affix) => affix)) return undefined;
  const vocab = new Map(Object.entries(model.vocab));
  const unknownId = vocab.get(model.unk_token ?? "");
  if (model.unk_token && unknownId === undefined) return undefined;
  const added = addedTokens(json, vocab, library);
  if (added === undefined) return undefined;

  const steps = flatSteps(library.pre_tokenizer);
  const last = steps.at(-1);
  const byteLevel = last instanceof ByteLevelPreTokenizer && !model.byte_fallback
    ? last
    : undefined;
  const merges = model.merges.map((merge) =>
    (typeof merge === "string" ? merge.split(" ", 2) : merge) as [string, string]
  );
  const bpe = Bpe.of({
    vocab,
    merges,
    unknownId,
    byteLevel: byteLevel !== undefined,
    ignoreMerges: model.ignore_merges ?? false,
    byteFallback: model.byte_fallback ?? false,
    fuseUnknown: model.fuse_unk ?? false,
  });
  if (bpe === undefined) return undefined;
  const crosses = (merge: readonly string[]) => /[^\u2581]\u2581/.test(merge.join(""));
  return {
    bpe,
    library,
    ...added,
    byteLevel,
    preTokenizers: byteLevel ? steps.slice(0, -1) : steps,
    atMetaspace: !model.ignore_merges && vocab.has(METASPACE) && !merges.some(crosses),
  };
}

function flatSteps(step: PreTokenizer | null): PreTokenizer[] {
  if (step === null) return [];
  return step instanceof SequencePreTokenizer
    ? step.tokenizers.flatMap((one) => flatSteps(one))
    : [step];
}

/** Added tokens by where they are looked for; undefined where the library reads them its own way. */
function addedTokens(
  { added_tokens: list = [] }: TokenizerJson,
  vocab: ReadonlyMap<string, number>,
  { normalizer }: LibraryTokenizer,
): Pick<Parts, "added" | "addedNormalized"> | undefined {
  const raw: AddedToken[] = [];
  const normalized: AddedToken[] = [];
  for (const entry of list) {
    const { content, id, single_word, lstrip = false, rstrip = false, special = false } = entry;
    if (single_word || content === "" || (vocab.get(content) ?? id) !== id) return undefined;
    const token = { content, id, lstrip, rstrip };
    if (normalizer === null || !(entry.normalized ?? !special)) raw.push(token);
    else normalized.push({ ...token, content: normalizer.normalize(content) });
  }
  if (normalized.some(({ content }) => content === "")) return undefined;
  return {
    added: new AddedTokenSplitter(raw),
    addedNormalized: normalized.length > 0 ? new AddedTokenSplitter(normalized) : undefined,
  };
}
