/**
 * Builds the tokenizers library's object so that it agrees with the Rust one, where it does not by
 * itself: what counts as a digit, what counts as white space, and how invalid bytes are written.
 * Every difference treated here has a golden in tests/golden/tokenizers_golden.json.
 */

import { ByteFallbackDecoder, SequenceDecoder, Tokenizer } from "@huggingface/tokenizers";
import type { Json, JsonObject } from "../base/json.ts";

/** GPT-2's split; `\s` in a Split's pattern is Unicode white space, in a ByteLevel it is not. */
const BYTE_LEVEL_SPLIT =
  "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

const isolate = (pattern: string): JsonObject => ({
  type: "Split",
  pattern: { Regex: pattern },
  behavior: "Isolated",
  invert: false,
});

/**
 * Rewrites a pre-tokenizer into parts on which both libraries agree. `Digits` means \p{N} in Rust
 * and \d in JavaScript; `ByteLevel` splits by JavaScript's \s, which has U+FEFF and lacks U+0085.
 */
function exactPreTokenizer(json: Json | undefined): Json {
  if (json === null || typeof json !== "object" || Array.isArray(json)) return json ?? null;
  switch (json.type) {
    case "Sequence": {
      const parts = Array.isArray(json.pretokenizers) ? json.pretokenizers : [];
      return { ...json, pretokenizers: parts.map(exactPreTokenizer) };
    }
    case "Digits":
      return isolate(json.individual_digits === true ? "\\p{N}" : "\\p{N}+");
    case "ByteLevel":
      if (json.use_regex === false || json.add_prefix_space === true) return json;
      return {
        type: "Sequence",
        pretokenizers: [isolate(BYTE_LEVEL_SPLIT), { ...json, use_regex: false }],
      };
    default:
      return json;
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
    post_processor: null,
    decoder: null,
    added_tokens: [],
    ...tokenizerJson,
    pre_tokenizer: exactPreTokenizer(tokenizerJson.pre_tokenizer),
  };
  const tokenizer = new Tokenizer(parts, {
    eos_token: eosToken,
    clean_up_tokenization_spaces: false,
  });
  repairDecoder(tokenizer.decoder);
  return tokenizer;
}
