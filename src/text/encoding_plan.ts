/**
 * Settles, once for a data set, how its pairs become ids: which BOS and EOS, how long, what happens
 * to pairs that are too long. Encoding itself is encode_pair.ts.
 */

import { badMaxLength, noBosToken, noEosToken, unknownToken } from "./errors.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** The least maxLength: BOS, a token of the prompt, a token of the answer, EOS. */
const MIN_MAX_LENGTH = 4;

/** The longest default maxLength, in tokens. */
export const DEFAULT_MAX_LENGTH = 1024;

/** What a user may say about encoding; every part has a default. */
export interface EncodeOptions {
  /**
   * The most tokens of prompt + one answer, EOS included. Default: the model's
   * max_position_embeddings, but no more than 1,024.
   */
  maxLength?: number;
  /** The most tokens of a prompt, BOS included. Default: no limit but maxLength's. */
  maxPromptLength?: number;
  /** Which end of a prompt that is too long is kept. Default "keep_end". */
  truncation?: "keep_end" | "keep_start";
  /** What happens to a pair whose answers are too long even so. Default "drop". */
  overlong?: "drop" | "truncate" | "raise";
  /** Whether prompts begin with BOS. Default "auto": as the model's own tokenizer does. */
  addBos?: "auto" | boolean;
  /** Whether answers end with EOS. Default true. */
  addEos?: boolean;
  /** The token that ends answers, as the vocabulary spells it. Default: the tokenizer's EOS. */
  eosToken?: string;
}

/** Encoding, settled. */
export interface EncodingPlan {
  /** The most tokens of prompt + one answer. */
  readonly maxLength: number;
  /** The most tokens of a prompt; undefined: what maxLength leaves. */
  readonly maxPromptLength?: number;
  /** Which end of a prompt that is too long is kept. */
  readonly truncation: "keep_end" | "keep_start";
  /** What happens to a pair whose answers are too long. */
  readonly overlong: "drop" | "truncate" | "raise";
  /** What a prompt must begin with; undefined: nothing is added. */
  readonly bosTokenId?: number;
  /** What stands for a prompt that is empty; undefined: such pairs are dropped. */
  readonly emptyPromptId?: number;
  /** What an answer must end with; undefined: nothing is added. */
  readonly eosTokenId?: number;
  /** What counts as an end that an answer already has. */
  readonly endTokenIds: ReadonlySet<number>;
}

/**
 * Settles the options for a tokenizer.
 *
 * @throws TextError MAX_LENGTH for lengths that leave no room or that the model has no positions
 * for; NO_BOS, NO_EOS and UNKNOWN_TOKEN for tokens the tokenizer lacks.
 */
export function planEncoding(tokenizer: Tokenizer, options: EncodeOptions = {}): EncodingPlan {
  const { maxPositions } = tokenizer;
  const maxLength = options.maxLength ?? Math.min(maxPositions ?? Infinity, DEFAULT_MAX_LENGTH);
  checkLengths(maxLength, options.maxPromptLength, maxPositions);
  const { bosTokenId, addBos } = tokenizer;
  if (options.addBos === true && bosTokenId === undefined) throw noBosToken();
  const eosTokenId = chosenEos(tokenizer, options);
  return {
    maxLength,
    maxPromptLength: options.maxPromptLength,
    truncation: options.truncation ?? "keep_end",
    overlong: options.overlong ?? "drop",
    bosTokenId: options.addBos === true || (options.addBos !== false && addBos)
      ? bosTokenId
      : undefined,
    emptyPromptId: options.addBos === false ? undefined : bosTokenId,
    eosTokenId,
    endTokenIds: new Set([
      ...tokenizer.eosTokenIds,
      ...(eosTokenId === undefined ? [] : [eosTokenId]),
    ]),
  };
}

function checkLengths(maxLength: number, maxPromptLength?: number, maxPositions?: number): void {
  if (maxLength < MIN_MAX_LENGTH) {
    throw badMaxLength(
      `maxLength ${maxLength} leaves no room for a prompt and an answer`,
      `set maxLength to ${MIN_MAX_LENGTH} or more; a few hundred is usual`,
    );
  }
  if (maxPositions !== undefined && maxLength > maxPositions) {
    throw badMaxLength(
      `maxLength ${maxLength} is over the model's max_position_embeddings, ${maxPositions}`,
      `set maxLength to ${maxPositions} or less`,
    );
  }
  if (maxPromptLength !== undefined && maxPromptLength >= maxLength) {
    throw badMaxLength(
      `maxPromptLength ${maxPromptLength} leaves no room for an answer in maxLength ${maxLength}`,
      "set maxPromptLength below maxLength, half of it at most as a rule",
    );
  }
}

function chosenEos(tokenizer: Tokenizer, options: EncodeOptions): number | undefined {
  if (options.addEos === false) return undefined;
  if (options.eosToken !== undefined) {
    const id = tokenizer.tokenId(options.eosToken);
    if (id === undefined) throw unknownToken("eosToken", options.eosToken);
    return id;
  }
  if (tokenizer.eosTokenId === undefined) throw noEosToken();
  return tokenizer.eosTokenId;
}
