/**
 * Builds the tokenizers library's object so that it agrees with the Rust one, where it does not by
 * itself: what counts as a digit, what counts as white space, how invalid bytes are written, and
 * which version of Unicode normalizes. Every difference treated here has a golden, in
 * tests/golden/tokenizers_golden.json or unicode_forms.json.
 */

import {
  ByteFallbackDecoder,
  ByteLevelPreTokenizer,
  DigitsPreTokenizer,
  NFCNormalizer,
  NFDNormalizer,
  NFKCNormalizer,
  NFKDNormalizer,
  SequenceDecoder,
  SequenceNormalizer,
  SequencePreTokenizer,
  Tokenizer,
} from "@huggingface/tokenizers";
import type { JsonObject } from "../base/json.ts";
import { normalizeUnicode, type UnicodeForm } from "./unicode_forms.ts";

/** GPT-2's split with Unicode's white space; JavaScript's \s has U+FEFF and lacks U+0085. */
const BYTE_LEVEL_SPLIT =
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

/** Rust splits at every number character, JavaScript's \d is 0 to 9. */
const DIGITS = { one: /\P{N}+|\p{N}/gu, many: /\P{N}+|\p{N}+/gu };

function repairPreTokenizer(part: unknown): void {
  if (part instanceof SequencePreTokenizer) part.tokenizers.forEach(repairPreTokenizer);
  if (part instanceof ByteLevelPreTokenizer) part.pattern = BYTE_LEVEL_SPLIT;
  if (part instanceof DigitsPreTokenizer) {
    part.pattern = part.config.individual_digits ? DIGITS.one : DIGITS.many;
  }
}

const FORMS = [
  [NFCNormalizer, "NFC"],
  [NFDNormalizer, "NFD"],
  [NFKCNormalizer, "NFKC"],
  [NFKDNormalizer, "NFKD"],
] as const satisfies readonly [unknown, UnicodeForm][];

function repairNormalizer(part: unknown): void {
  if (part instanceof SequenceNormalizer) part.normalizers.forEach(repairNormalizer);
  for (const [kind, form] of FORMS) {
    if (part instanceof kind) part.normalize = (text) => normalizeUnicode(text, form);
  }
}

const BYTE_TOKEN = /^<0x([0-9A-Fa-f]{2})>$/;

/** Decodes runs of byte tokens; a run that is no UTF-8 becomes one U+FFFD a byte, as in Rust. */
function decodeByteFallback(tokens: string[]): string[] {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const decoded: string[] = [];
  let run: number[] = [];
  const flush = () => {
    if (run.length === 0) return;
    try {
      decoded.push(decoder.decode(Uint8Array.from(run)));
    } catch {
      decoded.push("\ufffd".repeat(run.length));
    }
    run = [];
  };
  for (const token of tokens) {
    const byte = BYTE_TOKEN.exec(token)?.[1];
    if (byte !== undefined) {
      run.push(parseInt(byte, 16));
    } else {
      flush();
      decoded.push(token);
    }
  }
  flush();
  return decoded;
}

function repairDecoder(decoder: unknown): void {
  if (decoder instanceof SequenceDecoder) decoder.decoders.forEach(repairDecoder);
  if (decoder instanceof ByteFallbackDecoder) decoder.decode_chain = decodeByteFallback;
}

/**
 * Builds the library's tokenizer from tokenizer.json alone, as the Rust library does; the end-of-
 * sequence token is what Unigram models need besides.
 */
export function buildExactTokenizer(tokenizerJson: JsonObject, eosToken?: string): Tokenizer {
  const parts = {
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    added_tokens: [],
    ...tokenizerJson,
  };
  const tokenizer = new Tokenizer(parts, {
    eos_token: eosToken,
    clean_up_tokenization_spaces: false,
  });
  repairNormalizer(tokenizer.normalizer);
  repairPreTokenizer(tokenizer.pre_tokenizer);
  repairDecoder(tokenizer.decoder);
  return tokenizer;
}
