/** What the endpoints answer, whole or as the chunks of a stream, in OpenAI's shapes. */

import type { EndReason } from "../models/generation/continuation.ts";
import type { ScoredToken } from "./token_scores.ts";

/** What all parts of an answer have in common. */
export interface ResponseHead {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
}

/** Counts of tokens. */
export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** A part of an answer's text, with its tokens where they were asked for. */
export interface Part {
  readonly text: string;
  readonly scores?: readonly ScoredToken[];
}

/** How one endpoint writes. */
export interface ResponseFormat {
  readonly idPrefix: string;
  /** A whole answer. */
  whole(head: ResponseHead, part: Part, end: EndReason, usage: Usage): unknown;
  /** What begins a stream; undefined: nothing. */
  first(head: ResponseHead): unknown;
  /** A chunk. */
  chunk(head: ResponseHead, part: Part): unknown;
  /** The chunk that says why the answer ended. */
  last(head: ResponseHead, end: EndReason): unknown;
  /** The chunk that counts. */
  usage(head: ResponseHead, usage: Usage): unknown;
}

const finishReason = (end: EndReason) => end === "length" ? "length" : "stop";

/** chat/completions. */
export const chatFormat: ResponseFormat = {
  idPrefix: "chatcmpl-",
  whole: (head, { text, scores }, end, usage) => ({
    ...head,
    object: "chat.completion",
    choices: [{
      index: 0,
      message: { role: "assistant", content: text, refusal: null },
      logprobs: chatScores(scores),
      finish_reason: finishReason(end),
    }],
    usage,
  }),
  first: (head) => chatChunk(head, { role: "assistant", content: "" }),
  chunk: (head, { text, scores }) => chatChunk(head, { content: text }, chatScores(scores)),
  last: (head, end) => chatChunk(head, {}, null, finishReason(end)),
  usage: (head, usage) => ({ ...head, object: "chat.completion.chunk", choices: [], usage }),
};

/** completions. */
export const textFormat: ResponseFormat = {
  idPrefix: "cmpl-",
  whole: (head, part, end, usage) => ({ ...textChoice(head, part, finishReason(end)), usage }),
  first: () => undefined,
  chunk: (head, part) => textChoice(head, part, null),
  last: (head, end) => textChoice(head, { text: "" }, finishReason(end)),
  usage: (head, usage) => ({ ...head, object: "text_completion", choices: [], usage }),
};

function chatChunk(
  head: ResponseHead,
  delta: Record<string, string>,
  logprobs: unknown = null,
  finish: string | null = null,
) {
  return {
    ...head,
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, logprobs, finish_reason: finish }],
  };
}

function textChoice(head: ResponseHead, { text, scores }: Part, finish: string | null) {
  return {
    ...head,
    object: "text_completion",
    choices: [{ index: 0, text, logprobs: textScores(scores), finish_reason: finish }],
  };
}

function chatScores(scores: readonly ScoredToken[] | undefined) {
  if (scores === undefined) return null;
  const entry = ({ token, logprob }: { token: string; logprob: number }) => ({
    token,
    logprob,
    // A part of a character has no text of its own, and so no bytes that could be told.
    bytes: token.includes("\ufffd") ? null : [...new TextEncoder().encode(token)],
  });
  return {
    content: scores.map((score) => ({ ...entry(score), top_logprobs: score.top.map(entry) })),
    refusal: null,
  };
}

function textScores(scores: readonly ScoredToken[] | undefined) {
  if (scores === undefined) return null;
  return {
    tokens: scores.map(({ token }) => token),
    token_logprobs: scores.map(({ logprob }) => logprob),
    top_logprobs: scores.map(({ top }) =>
      Object.fromEntries(top.map(({ token, logprob }) => [token, logprob]))
    ),
    text_offset: scores.map(({ offset }) => offset),
  };
}
