/**
 * Turns a pair's texts into ids. Invariant, but for what truncation cuts and for BOS and EOS that
 * are added: promptIds + chosenIds are the ids of prompt + chosen as one text, promptIds +
 * rejectedIds those of prompt + rejected, promptIds has at least one id, and so has each answer.
 */

import type { EncodingPlan } from "./encoding_plan.ts";
import { overlongPair, vocabTooSmall } from "./errors.ts";
import type { TemplatedPair, TokenizedPair } from "./pair.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Why a pair is left out. */
export type DropReason =
  /** An answer has no token. */
  | "empty-answer"
  /** There is nothing to predict the first token from, and no BOS to stand for it. */
  | "empty-prompt"
  /** The two answers have the same ids, perhaps only after truncation. */
  | "identical-answers"
  /** The answers do not fit into maxLength. */
  | "overlong";

/** What was done to a pair that is kept. */
export interface EncodingNotes {
  /** Tokens by which the boundary went back, because a token spans prompt and answer. */
  boundaryMoved: number;
  /** The prompt was cut. */
  promptTruncated: boolean;
  /** The chosen answer was cut, and so has no EOS. */
  chosenTruncated: boolean;
  /** The rejected answer was cut, and so has no EOS. */
  rejectedTruncated: boolean;
}

/** A pair's ids, or why there are none. */
export type EncodedPair =
  | { pair: TokenizedPair; notes: EncodingNotes; dropped?: undefined }
  | { dropped: DropReason };

/**
 * Encodes one pair.
 *
 * Each answer is tokenized together with the prompt. Where a token spans the end of the prompt, the
 * boundary goes back to before it, for both answers alike. BOS is added unless it is there, EOS
 * unless the answer ends with one (white space after it, as ChatML writes, counts for nothing).
 *
 * @throws TextError VOCAB_TOO_SMALL for an id outside the model's vocab_size; OVERLONG under
 * `overlong: "raise"`.
 */
export function encodePair(
  tokenizer: Tokenizer,
  pair: TemplatedPair,
  plan: EncodingPlan,
): EncodedPair {
  const { id, source } = pair;
  const texts = tokenizer.encodeEndings(pair.prompt, ["", pair.chosen, pair.rejected]);
  const bos = plan.bosTokenId ?? (boundaryOf(texts) === 0 ? plan.emptyPromptId : undefined);
  const [alone, chosen, rejected] = texts.map((ids) => beginWith(bos, ids)) as [Ids, Ids, Ids];
  const boundary = boundaryOf([alone, chosen, rejected]);
  if (boundary === 0) return { dropped: "empty-prompt" };
  const promptIds = alone.slice(0, boundary);

  const whole: TokenizedPair = {
    id,
    source,
    promptIds,
    chosenIds: endAnswer(tokenizer, chosen.slice(boundary), plan),
    rejectedIds: endAnswer(tokenizer, rejected.slice(boundary), plan),
  };
  if (whole.chosenIds.length === 0 || whole.rejectedIds.length === 0) {
    return { dropped: "empty-answer" };
  }
  checkVocabulary(tokenizer, whole);
  const fitted = fitPair(whole, plan);
  if (fitted === undefined) return { dropped: "overlong" };
  if (equalIds(fitted.chosenIds, fitted.rejectedIds)) return { dropped: "identical-answers" };
  return {
    pair: fitted,
    notes: {
      boundaryMoved: alone.length - boundary,
      promptTruncated: fitted.promptIds.length < whole.promptIds.length,
      chosenTruncated: fitted.chosenIds.length < whole.chosenIds.length,
      rejectedTruncated: fitted.rejectedIds.length < whole.rejectedIds.length,
    },
  };
}

type Ids = number[];

/** How many ids the prompt alone shares with the prompt followed by either answer. */
function boundaryOf([alone, ...joined]: readonly Ids[]): number {
  return Math.min(...joined.map((ids) => sharedLength(alone!, ids)));
}

function beginWith(bos: number | undefined, ids: Ids): Ids {
  return bos === undefined || ids[0] === bos ? ids : [bos, ...ids];
}

function endAnswer(tokenizer: Tokenizer, ids: number[], plan: EncodingPlan): number[] {
  if (plan.eosTokenId === undefined || hasEnd(tokenizer, ids, plan.endTokenIds)) return ids;
  return [...ids, plan.eosTokenId];
}

/** Whether the last id is an end token, but for white space after it. */
function hasEnd(tokenizer: Tokenizer, ids: readonly number[], ends: ReadonlySet<number>): boolean {
  for (let at = ids.length - 1; at >= 0; at--) {
    const id = ids[at]!;
    if (ends.has(id)) return true;
    if (tokenizer.isSpecial(id) || !tokenizer.isBlank(id)) return false;
  }
  return false;
}

/**
 * Makes a pair fit into maxLength. The prompt gives way first: to maxPromptLength, and further where
 * the longer answer needs the room, but not below half of maxLength. Answers that still do not fit
 * are dropped, cut to the room there is (at least half of maxLength) or an error.
 */
function fitPair(pair: TokenizedPair, plan: EncodingPlan): TokenizedPair | undefined {
  const { maxLength } = plan;
  const longest = Math.max(pair.chosenIds.length, pair.rejectedIds.length);
  let promptLength = Math.min(pair.promptIds.length, plan.maxPromptLength ?? Infinity);
  if (promptLength + longest > maxLength) {
    const room = Math.max(maxLength - longest, Math.floor(maxLength / 2));
    promptLength = Math.min(promptLength, room);
  }
  const promptIds = cutPrompt(pair.promptIds, promptLength, plan);
  if (promptLength + longest <= maxLength) return { ...pair, promptIds };
  if (plan.overlong === "drop") return undefined;
  if (plan.overlong === "raise") {
    const length = pair.promptIds.length + longest;
    throw overlongPair({ source: pair.source, length, maxLength });
  }
  const room = maxLength - promptLength;
  return {
    ...pair,
    promptIds,
    chosenIds: pair.chosenIds.slice(0, room),
    rejectedIds: pair.rejectedIds.slice(0, room),
  };
}

/** Cuts a prompt to a length; a BOS at its start stays. */
function cutPrompt(ids: number[], length: number, plan: EncodingPlan): number[] {
  if (ids.length <= length) return ids;
  if (plan.truncation === "keep_start") return ids.slice(0, length);
  const first = ids[0]!;
  const isBos = first === plan.bosTokenId || first === plan.emptyPromptId;
  return isBos ? [first, ...ids.slice(ids.length - length + 1)] : ids.slice(ids.length - length);
}

function checkVocabulary(tokenizer: Tokenizer, pair: TokenizedPair): void {
  const vocabSize = tokenizer.modelVocabSize;
  if (vocabSize === undefined || tokenizer.vocabSize <= vocabSize) return;
  for (const ids of [pair.promptIds, pair.chosenIds, pair.rejectedIds]) {
    const id = ids.find((id) => id >= vocabSize);
    if (id === undefined) continue;
    throw vocabTooSmall({ source: pair.source, id, token: tokenizer.tokenText(id), vocabSize });
  }
}

function sharedLength(a: readonly number[], b: readonly number[]): number {
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at++;
  return at;
}

function equalIds(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && sharedLength(a, b) === a.length;
}
