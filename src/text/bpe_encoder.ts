/**
 * Text to ids for byte-pair tokenizers, quickly: added tokens and merges are ours, on integer ids;
 * normalizers and pre-tokenizers are the tokenizers library's, taken from the tokenizer it built.
 * The library joins tokens as strings and looks each up several times, at about 1 MB/s.
 *
 * Invariant: the ids are those of Hugging Face's Rust library. What of a tokenizer.json is not
 * known for certain to come out the same is not taken: `BpeEncoder.of` gives undefined.
 */

import {
  BPE,
  ByteLevelPreTokenizer,
  DigitsPreTokenizer,
  type PreTokenizer,
  SequencePreTokenizer,
  type Tokenizer as LibraryTokenizer,
} from "@huggingface/tokenizers";
import type { JsonObject } from "../base/json.ts";
import { type AddedToken, AddedTokenSplitter } from "./added_tokens.ts";
import { Bpe } from "./bpe.ts";
import { byteLevelWordEnd, metaspaceWordEnd, wholeText, type WordEnd } from "./word_ends.ts";

/** What SentencePiece models write for a space. */
const METASPACE = "\u2581";

/** The parts an encoder is made of. */
interface Parts {
  readonly bpe: Bpe;
  readonly library: LibraryTokenizer;
  /** Looked for in the text as it is. */
  readonly added: AddedTokenSplitter;
  /** Looked for in the normalized text; undefined where there are none. */
  readonly addedNormalized: AddedTokenSplitter | undefined;
  /** All but those at the end that `wordEnd` stands for. */
  readonly preTokenizers: readonly PreTokenizer[];
  /** What that ByteLevel does to each piece. */
  readonly addPrefixSpace: boolean;
  /** How pieces are split further. */
  readonly wordEnd: WordEnd;
}

/** A part of a text: an added token's id, or text that consists of words. */
type Part = number | string;

/** A text that others begin with, encoded. */
interface Begun {
  readonly parts: readonly Part[];
  readonly ids: number[];
  /** Ids before each part, and after the last. */
  readonly counts: number[];
  /** Where the words of the last part end. */
  readonly ends: number[];
  /** Ids of the last part before each of its words, and after the last. */
  readonly wordCounts: number[];
}

/** Gives texts their ids, without BOS or EOS. */
export class BpeEncoder {
  readonly #parts: Parts;

  /**
   * Takes a tokenizer apart; undefined where the library has to do it all.
   *
   * @throws Error where a merge has a part or a result that is no token.
   */
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
    for (const part of this.#split(text)) this.#add(part, 0, ids);
    return ids;
  }

  /**
   * Gives the ids of a beginning with each ending. A word's ids depend on the word alone, so those
   * of words that a joined text has in common with the beginning are copied.
   */
  encodeEndings(beginning: string, endings: readonly string[]): number[][] {
    const parts = this.#split(beginning);
    const begun: Begun = { parts, ids: [], counts: [0], ends: [], wordCounts: [0] };
    for (const [at, part] of parts.entries()) {
      this.#add(part, 0, begun.ids, at === parts.length - 1 ? begun : undefined);
      begun.counts.push(begun.ids.length);
    }
    return endings.map((ending) =>
      ending === "" ? [...begun.ids] : this.#encodeJoined(beginning + ending, begun)
    );
  }

  #encodeJoined(text: string, begun: Begun): number[] {
    const parts = this.#split(text);
    let shared = 0;
    while (shared < begun.parts.length && begun.parts[shared] === parts[shared]) shared++;
    const ids = begun.ids.slice(0, begun.counts[shared]);
    let start = shared === begun.parts.length - 1 ? this.#copyWords(parts[shared], begun, ids) : 0;
    for (; shared < parts.length; shared++, start = 0) this.#add(parts[shared]!, start, ids);
    return ids;
  }

  /** Copies the ids of the words with which both last parts begin; gives where they end. */
  #copyWords(part: Part | undefined, begun: Begun, ids: number[]): number {
    const last = begun.parts.at(-1);
    if (typeof part !== "string" || typeof last !== "string" || !part.startsWith(last)) return 0;
    const { wordEnd } = this.#parts;
    let [word, start] = [0, 0];
    while (word < begun.ends.length && wordEnd(part, start) === begun.ends[word]) {
      start = begun.ends[word++]!;
    }
    const from = begun.counts.at(-2)!;
    for (let at = from; at < from + begun.wordCounts[word]!; at++) ids.push(begun.ids[at]!);
    return start;
  }

  /** Adds a part's ids from a place on; `begun` is told where words end and how many ids they had. */
  #add(part: Part, start: number, ids: number[], begun?: Begun): void {
    if (typeof part === "number") return void ids.push(part);
    const { bpe, wordEnd } = this.#parts;
    const count = ids.length;
    let from = start;
    while (from < part.length) {
      const end = wordEnd(part, from);
      bpe.encode(part, from, end, ids);
      begun?.ends.push(end);
      begun?.wordCounts.push(ids.length - count);
      from = end;
    }
  }

  #split(text: string): Part[] {
    const parts: Part[] = [];
    for (const [index, section] of this.#parts.added.split(text).entries()) {
      if (typeof section === "number") parts.push(section);
      else this.#splitSection(section, index, parts);
    }
    return parts;
  }

  #splitSection(section: string, index: number, parts: Part[]): void {
    const { library: { normalizer }, addedNormalized } = this.#parts;
    const text = normalizer === null ? section : normalizer.normalize(section);
    if (addedNormalized === undefined) return this.#splitPlain(text, index, parts);
    const whole = addedNormalized.idOf(section);
    for (const part of whole === undefined ? addedNormalized.split(text) : [whole]) {
      if (typeof part === "number") parts.push(part);
      else this.#splitPlain(part, index, parts);
    }
  }

  /** Splits a text without added tokens; `index` says which section of the whole text it is. */
  #splitPlain(text: string, index: number, parts: Part[]): void {
    const { preTokenizers, addPrefixSpace } = this.#parts;
    let pieces = [text];
    for (const step of preTokenizers) pieces = step.pre_tokenize(pieces, { section_index: index });
    for (const piece of pieces) {
      if (addPrefixSpace && !piece.startsWith(" ")) parts.push(" " + piece);
      else if (piece !== "") parts.push(piece);
    }
  }
}

/** What is read of tokenizer.json beside what the library keeps; the library has checked it. */
interface TokenizerJson {
  readonly model: {
    readonly vocab: Readonly<Record<string, number>>;
    readonly unk_token?: string | null;
    readonly continuing_subword_prefix?: string | null;
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
  const { model } = library;
  if (!(model instanceof BPE)) return undefined;
  const { continuing_subword_prefix, end_of_word_suffix, unk_token } = json.model;
  if (continuing_subword_prefix || end_of_word_suffix || model.continuing_subword_suffix) {
    return undefined;
  }
  const unknownId = unk_token && Object.hasOwn(json.model.vocab, unk_token)
    ? json.model.vocab[unk_token]
    : undefined;
  if (unk_token && unknownId === undefined) return undefined;
  const added = addedTokens(json, library);
  if (added === undefined) return undefined;

  const preTokenizers = flatSteps(library.pre_tokenizer);
  const byteLevel = model.byte_fallback ? undefined : takeByteLevel(preTokenizers);
  const bpe = new Bpe({
    vocab: model.tokens_to_ids,
    merges: model.merges,
    unknownId,
    byteLevel: byteLevel !== undefined,
    ignoreMerges: model.ignore_merges,
    byteFallback: model.byte_fallback,
    fuseUnknown: model.fuse_unk,
  });
  return {
    bpe,
    library,
    ...added,
    preTokenizers,
    addPrefixSpace: byteLevel?.addPrefixSpace ?? false,
    wordEnd: byteLevel?.wordEnd ?? plainRule(json, model),
  };
}

/** Takes a ByteLevel from the end of the steps, and with it the Digits that it alone follows. */
function takeByteLevel(
  steps: PreTokenizer[],
): Pick<Parts, "addPrefixSpace" | "wordEnd"> | undefined {
  const last = steps.at(-1);
  if (!(last instanceof ByteLevelPreTokenizer)) return undefined;
  steps.pop();
  const { add_prefix_space: addPrefixSpace, use_regex } = last;
  if (!use_regex) return { addPrefixSpace, wordEnd: wholeText };
  const [digits] = steps;
  if (!(digits instanceof DigitsPreTokenizer) || steps.length > 1 || addPrefixSpace) {
    return { addPrefixSpace, wordEnd: byteLevelWordEnd("no") };
  }
  steps.pop();
  const split = digits.config.individual_digits ? "each" : "runs";
  return { addPrefixSpace, wordEnd: byteLevelWordEnd(split) };
}

/**
 * A text may be split in front of metaspaces before it is merged where no merge has one after
 * another character: none crosses such a place then, and what is left and right of it is merged
 * alone.
 */
function plainRule(json: TokenizerJson, model: BPE): WordEnd {
  if (model.ignore_merges || !Object.hasOwn(json.model.vocab, METASPACE)) return wholeText;
  const crosses = model.merges.some(([left, right]) => /[^\u2581]\u2581/.test(left + right));
  return crosses ? wholeText : metaspaceWordEnd;
}

function flatSteps(step: PreTokenizer | null): PreTokenizer[] {
  if (step === null) return [];
  return step instanceof SequencePreTokenizer
    ? step.tokenizers.flatMap((one) => flatSteps(one))
    : [step];
}

/** Added tokens by where they are looked for; undefined where the library reads them its own way. */
function addedTokens(
  { model: { vocab }, added_tokens: list = [] }: TokenizerJson,
  { normalizer }: LibraryTokenizer,
): Pick<Parts, "added" | "addedNormalized"> | undefined {
  const raw: AddedToken[] = [];
  const normalized: AddedToken[] = [];
  for (const entry of list) {
    const { content, id, single_word, lstrip = false, rstrip = false, special = false } = entry;
    const isOther = Object.hasOwn(vocab, content) && vocab[content] !== id;
    if (single_word || content === "" || isOther) return undefined;
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
