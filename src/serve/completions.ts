/**
 * Answers one request: waits for its turn, lets the model write, and gives the answer whole or as
 * server-sent events. An answer that does not become complete is never passed off as one: it ends
 * with an error, and a stream without [DONE].
 */

import { type Answer, answer } from "../chat/answer.ts";
import type { LoadedModel } from "../chat/loaded_model.ts";
import { toApiError } from "./api_error.ts";
import type { CompletionRequest } from "./requests.ts";
import {
  chatFormat,
  type ResponseFormat,
  type ResponseHead,
  textFormat,
  type Usage,
} from "./responses.ts";
import { TokenScores } from "./token_scores.ts";
import type { Place } from "./waiting_line.ts";

/** A request on its way to an answer. */
export interface Job {
  readonly loaded: LoadedModel;
  readonly request: CompletionRequest;
  readonly promptIds: readonly number[];
  /** Left once the answer is there, or will not be. */
  readonly place: Place;
  /** Aborts when the client has gone or the server stops; its reason is the error. */
  readonly signal: AbortSignal;
  /** Told how it went. */
  readonly onEnd: (answer: Answer | undefined, error?: unknown) => void;
}

/** Answers whole. @throws What went wrong. */
export async function answerWhole(job: Job): Promise<unknown> {
  const { format, head } = formOf(job);
  const scores = scoresOf(job);
  const given = await write(job, scores, () => {});
  const told = given.end === "stop" ? given.text.length : Infinity;
  const part = { text: given.text, scores: scores?.take(told) };
  return format.whole(head, part, given.end, usageOf(given));
}

/** Answers as a stream of server-sent events; `job.signal` ends it. */
export function answerStream(job: Job): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let isOpen = true;
  return new ReadableStream({
    async start(controller) {
      const send = (data: string) => {
        if (isOpen) controller.enqueue(encoder.encode(`data: ${data}\n\n`));
      };
      try {
        await writeEvents(job, (event) => send(JSON.stringify(event)));
        send("[DONE]");
      } catch (error) {
        send(JSON.stringify(toApiError(error)));
      }
      if (isOpen) controller.close();
    },
    cancel() {
      isOpen = false;
    },
  });
}

async function writeEvents(job: Job, send: (event: unknown) => void): Promise<void> {
  const { format, head } = formOf(job);
  const scores = scoresOf(job);
  let length = 0;
  let isFirst = true;
  const begin = () => {
    const first = isFirst ? format.first(head) : undefined;
    isFirst = false;
    if (first !== undefined) send(first);
  };
  const given = await write(job, scores, (text) => {
    begin();
    length += text.length;
    send(format.chunk(head, { text, scores: scores?.take(length) }));
  });
  begin();
  const rest = given.end === "stop" ? [] : scores?.take(Infinity) ?? [];
  if (rest.length > 0) send(format.chunk(head, { text: "", scores: rest }));
  send(format.last(head, given.end));
  if (job.request.includeUsage) send(format.usage(head, usageOf(given)));
}

async function write(
  { loaded, request, promptIds, place, signal, onEnd }: Job,
  scores: TokenScores | undefined,
  onText: (text: string) => void,
): Promise<Answer> {
  using _place = place;
  try {
    await place.turn(signal);
    const given = await answer(loaded, promptIds, {
      ...samplingOf(loaded, request),
      maxNewTokens: request.maxTokens ?? loaded.contextLength,
      stop: request.stop,
      signal,
      onText,
      onToken: (id, offset, logits) => scores?.add(id, offset, logits),
    });
    onEnd(given);
    return given;
  } catch (error) {
    onEnd(undefined, error);
    throw error;
  }
}

/** What the request says, then what the model's own settings say, then what OpenAI's API says. */
function samplingOf({ defaults }: LoadedModel, request: CompletionRequest) {
  return {
    temperature: request.temperature ?? defaults.temperature ?? 1,
    topK: request.topK ?? defaults.topK,
    topP: request.topP ?? defaults.topP,
    minP: request.minP ?? defaults.minP,
    repetitionPenalty: request.repetitionPenalty ?? defaults.repetitionPenalty,
    seed: request.seed ?? crypto.randomUUID(),
  };
}

function scoresOf({ loaded, request }: Job): TokenScores | undefined {
  const { logprobs } = request;
  return logprobs === undefined ? undefined : new TokenScores(loaded.tokenizer, logprobs);
}

function formOf({ request }: Job): { format: ResponseFormat; head: ResponseHead } {
  const format = request.kind === "chat" ? chatFormat : textFormat;
  const id = format.idPrefix + crypto.randomUUID().replaceAll("-", "");
  const created = Math.floor(Date.now() / 1000);
  return { format, head: { id, created, model: request.model } };
}

function usageOf({ promptTokens, ids }: Answer): Usage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: ids.length,
    total_tokens: promptTokens + ids.length,
  };
}
